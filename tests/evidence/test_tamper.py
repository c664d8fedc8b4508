#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The table of tamperings: whatever is changed in a signed result, its ledger, or what an auditor holds against it, is
refused with status 4 and a message that names what does not match. Prints the table."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from material import BUILD, Copy, Material, canonical, flip, tree_digest  # noqa: E402
import tampering_approval  # noqa: E402
import tampering_bundle  # noqa: E402
import tampering_files  # noqa: E402

VERIFY = BUILD / "lazaret-verify"
MINIMUM = 40  # what the table promises at least


def verify(result, *more):
    return subprocess.run([str(VERIFY), *result.arguments(), *map(str, more)], capture_output=True, text=True,
                          timeout=60, check=False, env={**os.environ, "LC_ALL": "C"})


class Tampering(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-tamper-"))
        cls.material = Material(cls.folder)
        (cls.folder / "desk").mkdir()
        cls.room = tampering_approval.Room(cls.folder / "desk")
        cls.originals = {"out": tree_digest(cls.material.folder / "a"), "log": tree_digest(cls.material.log),
                         "released": tree_digest(cls.room.released)}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def copy(self, name="a"):
        return Copy(self.material, tempfile.mkdtemp(dir=self.folder), name)

    def test_links_little(self):
        """The auditor's tool has neither libvirt nor anything that could connect."""
        said = subprocess.run(["readelf", "-d", str(VERIFY)], capture_output=True, text=True, timeout=60, check=True)
        needed = set(re.findall(r"\(NEEDED\).*\[(lib[a-z0-9-]+)", said.stdout))
        self.assertLessEqual(needed, {"libcrypto", "libjansson", "libcyaml", "libyaml-0", "libyaml", "libc", "libm",
                                      "libasan", "libubsan"})

    def test_untouched(self):
        """Both results hold whole: nothing below is refused for what it was before."""
        for name in ("a", "b"):
            for ring in (None, "good"):
                result = self.copy(name)
                result.inputs["require"] = "timestamp,ledger,model,test,verdict"
                if ring:
                    del result.inputs["key"]
                    result.inputs["keys"] = self.material.folder / f"{ring}.yaml"
                    result.inputs["require"] += ",key"
                done = verify(result)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        released = subprocess.run([*map(str, self.room.command(self.room.released))], capture_output=True, text=True,
                                  timeout=60, check=False)
        self.assertEqual(released.returncode, 0, released.stdout + released.stderr)
        log = subprocess.run([str(BUILD / "lazaret"), "ledger", "verify", str(self.material.log), "--key",
                              str(self.material.log / "vkey"), "--since", str(self.material.older)],
                             capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(log.returncode, 0, log.stderr)

    def test_proven_before_revocation(self):
        """A timestamp saves what was signed before the revocation."""
        result = self.copy()
        del result.inputs["key"]
        result.inputs["keys"] = self.material.folder / "revoked-later.yaml"
        done = verify(result)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"revocation +revoked since .*but signed by .*by its timestamp")
        result.inputs["keys"] = self.material.folder / "revoked-to-come.yaml"
        self.assertEqual(self.rows_of(result)["revocation"][0], "holds")

    def test_signed_again(self):
        """What the tamperings below sign again holds where they change nothing else: no row is refused for that."""
        result = self.copy()
        result.resign(result.statement())
        self.assertEqual(verify(result).returncode, 0)
        result = self.copy()
        result.resign(result.statement(), keep=True)
        result.log_again()
        result.inputs["require"] = "ledger"
        done = verify(result)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def rows_of(self, result, *more):
        done = verify(result, "--json", *more)
        return {item["what"]: (item["state"], item["detail"]) for item in json.loads(done.stdout)["items"]}

    def test_witnesses(self):
        """One cosignature of two is enough where one is needed."""
        result = self.copy()
        tampering_bundle.witnessed(quorum=1)(result)
        self.assertEqual(self.rows_of(result, "--require", "witnesses")["witnesses"],
                         ("holds", "1 of 2 cosigned the entry's checkpoint; needed: 1"))
        self.assertEqual(verify(result).returncode, 0)

    def test_unsigned_time(self):
        """A time that anyone may have written into the ledger's entry is shown, and believed by nobody."""
        result = self.copy()
        bundle = result.bundle()
        bundle["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = "1700000000"
        result.file.write_bytes(canonical(bundle) + b"\n")
        state, detail = self.rows_of(result)["integratedTime"]
        self.assertEqual(state, "not-checked")
        self.assertIn("2023-11-14T22:13:20Z, which no ledger signs", detail)
        self.assertEqual(verify(result).returncode, 0)

    def test_sets_of_two_files(self):
        """Labels that are a file of their own, and arrays of a spec, which are found by their digests."""
        result = self.copy()
        statement = result.statement()
        for name in ("images", "labels", "mask.npy"):
            (result.out / name if "." in name else result.folder / name).write_bytes(name.encode())
        for name, content in (("test", b"images"), ("test-labels", b"labels"), ("mask", b"mask.npy")):
            listing = statement["predicate"]["configuration"]
            listing[:] = [entry for entry in listing if entry["name"] != name]
            listing.append({"name": name, "digest": {"sha256": hashlib.sha256(content).hexdigest()}})
        result.resign(statement)
        result.inputs["test"] = result.folder / "images"
        rows = self.rows_of(result)
        self.assertEqual((rows["test"][0], rows["test-labels"][0]), ("holds", "not-checked"))
        result.inputs["test"] = f"{result.folder}/images,{result.folder}/labels"
        rows = self.rows_of(result)
        self.assertEqual((rows["test"][0], rows["test-labels"][0], rows["mask.npy"][0]), ("holds", "holds", "holds"))
        flip(result.out / "mask.npy")
        flip(result.folder / "labels")
        rows = self.rows_of(result)
        self.assertEqual((rows["test-labels"][0], rows["mask.npy"][0], rows["mask"][0]),
                         ("mismatch", "not-checked", "mismatch"))

    def refuse_by_verify(self, row, result):
        done = verify(result, "--json")
        self.assertEqual(done.returncode, row.status, f"{row.name}: {done.stdout}{done.stderr}")
        items = [item for item in json.loads(done.stdout)["items"] if item["state"] in ("mismatch", "missing")]
        for what, pattern in row.said.items():
            details = [item["detail"] for item in items if item["what"] == what]
            self.assertTrue(details, f"{row.name}: {what} holds: {items}")
            self.assertTrue(any(re.search(pattern, detail) for detail in details), f"{row.name}: {details}")
        if not row.others:
            self.assertEqual({item["what"] for item in items}, set(row.said), row.name)
        said = verify(result)
        self.assertEqual(said.returncode, row.status, row.name)
        self.assertNotIn("\x1b", said.stdout, row.name)
        for what in row.said:
            self.assertRegex(said.stdout, rf"(?m)^  x (MISMATCH|MISSING) +{re.escape(what)} ", row.name)
        return "; ".join(f"{item['what']}: {item['detail']}" for item in items if item["what"] in row.said)

    def refuse_by_command(self, row, result):
        done = subprocess.run([*map(str, row.command(result))], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, row.status, f"{row.name}: {done.stdout}{done.stderr}")
        self.assertRegex(done.stdout + done.stderr, row.said, row.name)
        return (done.stderr or done.stdout).strip().splitlines()[-1]

    def test_table(self):
        rows = tampering_bundle.ROWS + tampering_files.ROWS + tampering_approval.rows(self.room)
        self.assertGreaterEqual(len(rows), MINIMUM)
        self.assertEqual(len({row.name for row in rows}), len(rows))
        lines = []
        for row in rows:
            with self.subTest(row.name):
                result = self.copy()
                before = dict(result.inputs)
                row.tamper(result)
                same = tree_digest(result.folder / row.watched) == self.originals[row.watched]
                self.assertEqual(same, not row.changes_files, row.name)
                if row.command is None and not row.changes_files:
                    self.assertNotEqual(result.inputs, before, row.name)
                refuse = self.refuse_by_command if row.command else self.refuse_by_verify
                said = refuse(row, result).replace(str(result.folder), ".").replace(str(self.folder), ".")
                lines.append((row.name, row.status, said))
                shutil.rmtree(result.folder)
        width = max(len(name) for name, _, _ in lines)
        print(f"\n{'what was changed':{width}}  status  what is said")
        for name, status, said in lines:
            print(f"{name:{width}}  {status:6}  {said[:160]}")
        print(f"{len(lines)} tamperings, all refused")


if __name__ == "__main__":
    for program in ("openssl", "ssh-keygen"):
        if shutil.which(program) is None:
            print(f"{program}, which signs here, is not installed")
            sys.exit(77)
    unittest.main(verbosity=2)
