# SPDX-License-Identifier: Apache-2.0
"""Evaluations of signed and unsigned models, from the command line to the signed result."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import sign

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ["LAZARET_BUILD"]).resolve()
DIGITS = ROOT / "examples" / "digits"
EXTENSION = "https://lazaret.dev/evaluation/v1"
PASSED, REJECTED, USAGE, BAD_INPUT = 0, 1, 64, 65
EMAIL = "release@example.org"
POLICY = """tier: low
isolation: [microvm, process]
minimumSamples: 100
checks:
  clean-accuracy: {required: true, accuracy: 0.5}
"""


def indented(pem, spaces):
    return "".join(" " * spaces + line + "\n" for line in pem.decode().splitlines())


class Evaluation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.work = pathlib.Path(holder.name)
        cls.environment = {**os.environ, "LAZARET_STATE": str(cls.work / "state")}
        cls.folder = cls.work / "signed"
        cls.folder.mkdir()
        cls.model = cls.folder / "clean.onnx"
        shutil.copy(DIGITS / "clean.onnx", cls.model)
        (cls.folder / "config.json").write_text("{}")
        cls.key = sign.new_key("p384")
        cls.trusted = cls.work / "publisher.pub.pem"
        cls.trusted.write_bytes(sign.pem(cls.key.public_key()))
        cls.signature = cls.work / "model.sig"
        cls.signature.write_text(json.dumps(sign.sign(cls.folder, cls.key)))
        cls.runs = 0
        subprocess.run([BUILD / "lazaret", "keygen", "-o", cls.work / "station"], check=True, capture_output=True)

    def evaluate(self, *arguments, policy=POLICY, status=PASSED, where=None, model=None):
        """Runs an evaluation; returns its output and, where there is a result, folder and statement."""
        Evaluation.runs += 1
        (self.work / "policy.yaml").write_text(policy)
        output = (where or self.work) / f"result{Evaluation.runs}"
        done = subprocess.run([BUILD / "lazaret", "evaluate", model or self.model, "--test", DIGITS / "test.npz", "--spec",
                               DIGITS / "spec.yaml", "--policy", self.work / "policy.yaml", "--isolation", "process",
                               "--key", self.work / "station.pem", "--quiet", "-o", output, *arguments],
                              capture_output=True, text=True, check=False, env=self.environment, timeout=120)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        if status not in (PASSED, REJECTED):
            self.assertFalse(output.exists())
            return done.stderr, None, None
        bundle = json.loads((output / "result.sigstore.json").read_text())
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        verified = subprocess.run([BUILD / "lazaret-verify", output, "--key", self.work / "station.pub.pem", "--model",
                                   model or self.model], capture_output=True, text=True, check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        return done.stdout, output, statement

    def names(self, statement):
        return {c["name"]: c["digest"]["sha256"] for c in statement["predicate"]["configuration"]}

    def check_rejected(self, *arguments, because, **options):
        """Exit status 1, a signed rejection before boot with its reason, and nothing that ran."""
        shown, output, statement = self.evaluate(*arguments, status=REJECTED, **options)
        extension = statement["predicate"][EXTENSION]
        self.assertEqual(extension["verdict"], "rejected-before-boot")
        self.assertEqual((extension["isolation"], extension["acceleration"]), ("none", "none"))
        self.assertEqual(statement["predicate"]["result"], "FAILED")
        self.assertIn(because, extension["reasons"][0])
        self.assertIn(because, shown)
        self.assertNotIn("provenance", extension["hostVerified"])
        self.assertNotIn("provenance", extension)
        self.assertFalse((output / "evaluation.json").exists())
        phases = [json.loads(line) for line in (output / "events.jsonl").read_text().splitlines()]
        self.assertTrue(phases)
        self.assertNotIn("boot", json.dumps(phases))
        return statement

    def required(self, more=""):
        return POLICY + "provenance:\n  required: true\n" + more

    def with_key(self, key, more=""):
        return (self.required() + "keys:\n  - name: publisher\n    use: [model]\n    publicKey: |\n" +
                indented(sign.pem(key.public_key()), 6) + more)

    def test_holds(self):
        _, plain, _ = self.evaluate()
        _, output, statement = self.evaluate("--signature", self.signature, "--trusted-key", self.trusted, "--source",
                                             "https://example.org/models/clean.onnx?rev=1")
        extension = statement["predicate"][EXTENSION]
        items = sign.resources_of(self.folder)
        self.assertEqual(extension["provenance"],
                         {"method": "key", "files": 2, "model": sign.root_digest(items)})
        self.assertEqual(extension["source"], "https://example.org/models/clean.onnx?rev=1")
        self.assertIn("provenance", extension["hostVerified"])
        der = self.key.public_key().public_bytes(sign.serialization.Encoding.DER,
                                                 sign.serialization.PublicFormat.SubjectPublicKeyInfo)
        self.assertEqual(self.names(statement)["trusted-key"], hashlib.sha256(der).hexdigest())
        self.assertEqual(self.names(statement)["model-signature"],
                         hashlib.sha256(self.signature.read_bytes()).hexdigest())
        self.assertEqual((output / "model.sig").read_bytes(), self.signature.read_bytes())
        page = (output / "report.html").read_text()
        self.assertIn("holds, over 2 files", page)
        self.assertIn("https://example.org/models/clean.onnx?rev=1", page)
        # The facts know nothing of it.
        self.assertEqual((output / "evaluation.json").read_bytes(), (plain / "evaluation.json").read_bytes())
        self.assertEqual((output / "plan.json").read_bytes(), (plain / "plan.json").read_bytes())
        replay = subprocess.run([BUILD / "lazaret", "replay", output, "--key", self.work / "station.pub.pem", "--model",
                                 self.model, "--test", DIGITS / "test.npz", "--isolation", "process", "--quiet"],
                                capture_output=True, text=True, check=False, env=self.environment)
        self.assertEqual(replay.returncode, 0, replay.stdout + replay.stderr)

    def test_given_must_hold(self):
        other = self.work / "other.pem"
        other.write_bytes(sign.pem(sign.new_key().public_key()))
        statement = self.check_rejected("--signature", self.signature, "--trusted-key", other, because="not trusted")
        self.assertIn("model-signature", self.names(statement))
        self.assertNotIn("trusted-key", self.names(statement))
        broken = self.work / "broken.sig"
        broken.write_text("{")
        self.check_rejected("--signature", broken, "--trusted-key", self.trusted, because="the model's signature")
        changed = self.work / "changed"
        shutil.copytree(self.folder, changed, dirs_exist_ok=True)
        (changed / "clean.onnx").write_bytes(self.model.read_bytes() + b"\0")
        self.check_rejected("--signature", self.signature, "--trusted-key", self.trusted, model=changed / "clean.onnx",
                            because="'clean.onnx' is not the file that was signed")

    def test_policy_requires(self):
        given = ("--signature", self.signature)
        self.check_rejected(policy=self.required(), because="requires the model's own signature")
        self.evaluate(*given, "--trusted-key", self.trusted, policy=self.required())
        self.evaluate(*given, policy=self.with_key(self.key))
        self.check_rejected(*given, policy=self.with_key(sign.new_key()), because="not trusted")
        self.check_rejected(*given, policy=self.with_key(self.key, "    notAfter: 2020-01-01\n"), because="expired")
        self.check_rejected(*given, policy=self.with_key(self.key, "    notBefore: 2999-01-01\n"),
                            because="not yet valid")
        der = self.key.public_key().public_bytes(sign.serialization.Encoding.DER,
                                                 sign.serialization.PublicFormat.SubjectPublicKeyInfo)
        revoked = f"revoked:\n  - {{fingerprint: {hashlib.sha256(der).hexdigest()}, since: 2026-01-01}}\n"
        self.check_rejected(*given, policy=self.with_key(self.key, revoked), because="revoked")
        self.check_rejected(*given, "--trusted-key", self.trusted, policy=self.required() + revoked, because="revoked")

    def test_auditors(self):
        """Whose keys count is the auditor's to say, and no result can say that it has what its policy demands."""
        def verify(output, *arguments):
            done = subprocess.run([BUILD / "lazaret-verify", output, "--key", self.work / "station.pub.pem", "--json",
                                   *arguments], capture_output=True, text=True, check=False)
            report = json.loads(done.stdout)
            return done.returncode, report, {i["what"]: i["state"] for i in report["items"]}

        _, output, _ = self.evaluate("--signature", self.signature, policy=self.with_key(self.key))
        mine, others = self.work / "mine.yaml", self.work / "others.yaml"
        mine.write_text(self.with_key(self.key))
        others.write_text(self.with_key(sign.new_key()))
        status, report, items = verify(output, "--policy", mine, "--require", "provenance", "--signature", self.signature)
        self.assertEqual((status, report["auditorVerdict"], items["provenance"]), (0, "passed", "holds"))
        self.assertEqual(items["model-signature"], "holds")
        status, report, _ = verify(output, "--policy", others)
        self.assertEqual((status, report["auditorVerdict"]), (0, "rejected-before-boot"))
        _, unsigned, _ = self.evaluate()
        status, report, _ = verify(unsigned, "--policy", mine)
        self.assertEqual((status, report["auditorVerdict"]), (0, "rejected-before-boot"))
        self.assertEqual(verify(unsigned, "--require", "provenance")[0], 4)
        copy = output / "model.sig"
        copy.write_bytes(copy.read_bytes() + b" ")
        status, _, items = verify(output)
        self.assertEqual((status, items["model.sig"]), (4, "mismatch"))

    def test_replay_of_a_required_one(self):
        _, output, _ = self.evaluate("--signature", self.signature, policy=self.with_key(self.key))
        replay = subprocess.run([BUILD / "lazaret", "replay", output, "--key", self.work / "station.pub.pem", "--model",
                                 self.model, "--test", DIGITS / "test.npz", "--isolation", "process", "--quiet"],
                                capture_output=True, text=True, check=False, env=self.environment)
        self.assertEqual(replay.returncode, 0, replay.stdout + replay.stderr)

    def test_certificates_of_the_policy(self):
        root_key, key = sign.new_rsa(), sign.new_key()
        root = sign.certificate("Root", root_key, ca=True)
        leaf = sign.certificate("Signer", key, root, root_key, email=EMAIL)
        old = sign.certificate("Signer", key, root, root_key, email=EMAIL, starts=-9 * sign.DAY, ends=-sign.DAY)
        signature = self.work / "certificate.sig"
        signature.write_text(json.dumps(sign.sign(self.folder, key, chain=[leaf])))
        policy = self.required(f"  identities: [{EMAIL}]\n  certificateAuthorities:\n    - |\n" +
                               indented(sign.certificate_pem(root), 6))
        _, _, statement = self.evaluate("--signature", signature, policy=policy)
        provenance = statement["predicate"][EXTENSION]["provenance"]
        self.assertEqual((provenance["method"], provenance["identity"]), ("certificate", EMAIL))
        self.assertIn("trusted-ca", self.names(statement))
        self.assertIn("signing-certificate", self.names(statement))
        self.check_rejected("--signature", signature, policy=policy.replace(EMAIL, "other@example.org"),
                            because="none of the identities")
        signature.write_text(json.dumps(sign.sign(self.folder, key, chain=[old])))
        self.check_rejected("--signature", signature, policy=policy, because="expired")

    def test_checksums_and_source(self):
        policy = POLICY + "provenance: {required: false, checksums: true, source: true}\n"
        listing = self.work / "SHA256SUMS"
        listing.write_text(hashlib.sha256(self.model.read_bytes()).hexdigest() + "  clean.onnx\n")
        self.check_rejected(policy=policy, because="requires a list of checksums")
        self.check_rejected("--checksums", listing, policy=policy, because="requires the model's source")
        _, output, statement = self.evaluate("--checksums", listing, "--source", "urn:model:clean", policy=policy)
        self.assertEqual(self.names(statement)["checksums"], hashlib.sha256(listing.read_bytes()).hexdigest())
        self.assertIn("checksums", statement["predicate"][EXTENSION]["hostVerified"])
        self.assertEqual((output / "SHA256SUMS").read_bytes(), listing.read_bytes())
        listing.write_text("0" * 64 + "  clean.onnx\n")
        self.check_rejected("--checksums", listing, because="another SHA-256")

    def test_output_beside_the_model(self):
        """The result under construction is no file of the model."""
        _, output, _ = self.evaluate("--signature", self.signature, "--trusted-key", self.trusted, where=self.folder)
        self.check_rejected("--signature", self.signature, "--trusted-key", self.trusted, because=output.name + "/")
        shutil.rmtree(output)

    def test_users_mistakes(self):
        given = ("--signature", self.signature)
        for arguments, policy in (
                (given, POLICY), (("--trusted-key", self.trusted), POLICY),
                ((*given, "--trusted-key", self.trusted), self.with_key(self.key)),
                (("--source", "clean.onnx"), POLICY), (("--source", "https://me:secret@example.org/"), POLICY),
                (("--source", "https://example.org/a b"), POLICY)):
            self.evaluate(*arguments, policy=policy, status=USAGE)
        self.evaluate(*given, "--trusted-key", self.signature, status=BAD_INPUT)
        for section in ("provenance: {}", "provenance: {required: maybe}", "provenance: {required: true, identities: [a]}",
                        "provenance: {required: true, certificateAuthorities: [text], identities: [a]}",
                        "provenance: {required: true, sources: true}"):
            self.evaluate(policy=POLICY + section + "\n", status=BAD_INPUT)


if __name__ == "__main__":
    unittest.main()
