#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The table of tamperings: whatever is changed in a signed result, its ledger, or what an auditor holds against it, is
refused with status 4 and a message that names what does not match. Prints the table."""
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
from material import BUILD, Copy, Material, tree_digest  # noqa: E402
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
        cls.original = tree_digest(cls.material.folder / "a")
        cls.log = tree_digest(cls.material.log)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def copy(self, name="a"):
        return Copy(self.material, tempfile.mkdtemp(dir=self.folder), name)

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
        self.assertRegex(done.stdout, r"revocation +revoked since 9999-01-01.*but signed by")

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
        rows = tampering_bundle.ROWS + tampering_files.ROWS
        self.assertGreaterEqual(len(rows), MINIMUM)
        self.assertEqual(len({row.name for row in rows}), len(rows))
        lines = []
        for row in rows:
            with self.subTest(row.name):
                result = self.copy()
                before = dict(result.inputs)
                row.tamper(result)
                if row.command is not None and row.changes_files:
                    self.assertNotEqual(tree_digest(result.log), self.log, row.name)
                elif row.command is not None:
                    self.assertEqual(tree_digest(result.log), self.log, row.name)
                elif row.changes_files:
                    self.assertNotEqual(tree_digest(result.out), self.original, row.name)
                else:
                    self.assertEqual(tree_digest(result.out), self.original, row.name)
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
    if shutil.which("openssl") is None:
        print("openssl, which signs again and makes timestamps here, is not installed")
        sys.exit(77)
    unittest.main(verbosity=2)
