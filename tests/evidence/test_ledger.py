# SPDX-License-Identifier: Apache-2.0
"""Evaluations in a ledger: what is appended when, what refuses to run, and what an auditor sees."""
import base64
import json
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vm" / "evaluation"))
from lazaret import DIGITS, Case, digest, lazaret, main  # noqa: E402

POLICY = """tier: low
isolation: [{isolation}]
minimumSamples: 1
ledger: {{required: {required}}}
checks:
  clean-accuracy: {{required: true, bound: point, accuracy: 0.5}}
"""


class Ledger(Case):
    def make_ledger(self, name):
        ledger = self.folder / name
        made = lazaret("ledger", "init", ledger, "--origin", f"example.org/{name}")
        self.assertEqual(made.returncode, 0, made.stderr)
        return ledger, re.search(r"verifier key (\S+)", made.stdout).group(1)

    def policy(self, required="false", isolation="process"):
        path = self.folder / f"{isolation}-{required}.yaml"
        path.write_text(POLICY.format(required=required, isolation=isolation))
        return path

    def evaluate_in(self, name, ledger=None, extra=(), policy=None, **options):
        extra = ["--policy", policy or self.policy(), *(["--ledger", ledger] if ledger else []), *extra]
        return self.evaluate(name, train=None, extra=extra, **options)

    def leaves(self, ledger):
        shown = lazaret("ledger", "show", ledger)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        count = int(re.search(r"leaves +(\d+)", shown.stdout).group(1))
        return [json.loads(lazaret("ledger", "show", ledger, index).stdout) for index in range(count)]

    def audit(self, ledger, vkey, *arguments):
        return lazaret("ledger", "audit", ledger, "--key", vkey, *arguments)

    def assert_nothing_came_of(self, finished, output, status, *words):
        self.assertEqual(finished.returncode, status, finished.stderr)
        for word in words:
            self.assertIn(word, finished.stderr)
        self.assertFalse(output.exists())
        self.assert_nothing_left()

    def test_a_result(self):
        ledger, vkey = self.make_ledger("log")
        finished, output = self.evaluate_in("logged", ledger)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertIn("leaf 1 of example.org/log, announced as leaf 0", finished.stdout)
        intent, result = self.leaves(ledger)
        bundle = json.loads((output / "result.sigstore.json").read_text())
        payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
        extension = json.loads(payload)["predicate"]["https://lazaret.dev/evaluation/v1"]
        evaluation = self.evaluation_of(output)
        self.assertEqual(intent["kind"], "lazaret-intent")
        self.assertEqual(intent["spec"]["job"], extension["job"])
        self.assertEqual(intent["spec"]["job"], json.loads((output / "execution.json").read_text())["job"])
        self.assertEqual(intent["spec"]["model"]["value"], digest(DIGITS / "clean.onnx"))
        self.assertEqual(intent["spec"]["policy"]["value"], digest(output / "policy.yaml"))
        self.assertEqual(intent["spec"]["data"]["value"], evaluation["data"])
        self.assertEqual(extension["ledger"]["intent"], 0)
        self.assertEqual(extension["ledger"]["origin"], "example.org/log")
        self.assertEqual(result["kind"], "dsse")
        verified = lazaret("verify", output, "--key", self.public, "--ledger-key", vkey, "--require", "ledger")
        self.assertEqual(verified.returncode, 0, verified.stdout)

    def test_failures_are_logged(self):
        """A refusal by policy and a model that can't be read have an intent and a result like any other."""
        ledger, vkey = self.make_ledger("failures")
        refused, first = self.evaluate_in("refused", ledger, policy=self.policy(isolation="microvm"))
        self.assertEqual(refused.returncode, 1, refused.stderr)
        broken = self.folder / "broken.onnx"
        broken.write_bytes(b"no model")
        failed, second = self.evaluate_in("failed", ledger, model=broken)
        self.assertEqual(failed.returncode, 3, failed.stderr)
        kinds = [leaf["kind"] for leaf in self.leaves(ledger)]
        self.assertEqual(kinds, ["lazaret-intent", "dsse"] * 2)
        audit = self.audit(ledger, vkey, first, second, "--complete")
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)
        self.assertIn("rejected-before-boot, leaf 1", audit.stdout)
        self.assertIn("could-not-evaluate, leaf 3", audit.stdout)

    def test_discarded_attempts_show(self):
        ledger, vkey = self.make_ledger("discarded")
        outputs = [self.evaluate_in(f"attempt-{i}", ledger)[1] for i in range(3)]
        shutil.rmtree(outputs[1])
        audit = self.audit(ledger, vkey, outputs[0], outputs[2])
        self.assertEqual(audit.returncode, 0, audit.stderr)
        self.assertRegex(audit.stdout, r"intent 2 .*no result at hand")
        self.assertIn("3 intents: 2 with a result at hand, 1 without", audit.stdout)
        self.assertIn("3 results logged, 1 of them not at hand", audit.stdout)
        told = self.audit(ledger, vkey, outputs[0], outputs[2], "--json")
        self.assertEqual(told.returncode, 0, told.stderr)
        told = json.loads(told.stdout)
        self.assertEqual([intent["result"] and intent["result"]["path"] for intent in told["intents"]],
                         [str(outputs[0]), None, str(outputs[2])])
        self.assertEqual((told["answered"], told["results"], told["mismatches"], told["others"]),
                         (2, {"logged": 3, "atHand": 2}, [], 0))
        self.assertEqual((told["ledger"]["size"], len(told["ledger"]["root"])), (6, 64))
        complete = self.audit(ledger, vkey, outputs[0], outputs[2], "--complete")
        self.assertEqual(complete.returncode, 4)
        self.assertIn("1 of 3 intents have no result at hand", complete.stderr)

    def test_no_ledger_no_job(self):
        """Without a ledger that can be appended to, nothing boots."""
        self.assert_nothing_came_of(*self.evaluate_in("nowhere", self.folder / "nowhere.log"), 66, "nowhere.log")
        ledger, _ = self.make_ledger("changed")
        other, _ = self.make_ledger("other")
        self.assert_nothing_came_of(*self.evaluate_in("other-key", ledger, ["--ledger-key", f"{other}.pem"]), 69)
        finished, _ = self.evaluate_in("one", ledger)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        checkpoint = (ledger / "checkpoint").read_bytes()
        for damage in (b"", b"\n", b"\0" * 100, checkpoint.replace(b"\n", b"", 1), None):
            (ledger / "checkpoint").unlink()
            if damage is not None:
                (ledger / "checkpoint").write_bytes(damage)
            self.assert_nothing_came_of(*self.evaluate_in("damaged", ledger), 69, "the ledger is damaged", "checkpoint")
            (ledger / "checkpoint").write_bytes(checkpoint)
        self.assert_nothing_came_of(*self.evaluate_in("no-key", ledger, ["--ledger-key", "/none.pem"]), 66, "none.pem")
        tile = ledger / "tile" / "0" / "000.p" / "2"
        tile.write_bytes(bytes([tile.read_bytes()[0] ^ 1]) + tile.read_bytes()[1:])
        self.assert_nothing_came_of(*self.evaluate_in("two", ledger), 69, "can't be appended to", "ledger verify")
        self.assert_nothing_came_of(*self.evaluate_in("three", extra=["--ledger-key", f"{ledger}.pem"]), 64, "--ledger")

    def test_required(self):
        """A policy may require a ledger; replay needs none, and appends nothing."""
        ledger, vkey = self.make_ledger("required")
        strict = self.policy(required="true")
        self.assert_nothing_came_of(*self.evaluate_in("without", policy=strict), 64, "--ledger")
        finished, output = self.evaluate_in("with", ledger, policy=strict)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        before = (ledger / "checkpoint").read_bytes()
        replayed = lazaret("replay", output, "--key", self.public, "--model", DIGITS / "clean.onnx", "--test",
                           DIGITS / "test.npz", "--isolation", "process", "--quiet")
        self.assertEqual(replayed.returncode, 0, replayed.stdout + replayed.stderr)
        self.assertEqual((ledger / "checkpoint").read_bytes(), before)
        verified = lazaret("verify", output, "--key", self.public, "--ledger-key", vkey, "--policy", strict)
        self.assertEqual(verified.returncode, 0, verified.stdout)
        unchecked = lazaret("verify", output, "--key", self.public, "--policy", strict)
        self.assertEqual(unchecked.returncode, 4, unchecked.stdout)

    def test_rewritten_history_shows(self):
        """An operator who begins again with the same key: what was signed before names another history."""
        ledger, vkey = self.make_ledger("rewritten")
        _, output = self.evaluate_in("before", ledger)
        shutil.rmtree(ledger)
        made = lazaret("ledger", "init", ledger, "--origin", "example.org/rewritten", "--key", f"{ledger}.pem")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.evaluate_in("after", ledger)
        self.assertEqual(lazaret("ledger", "verify", ledger, "--key", vkey).returncode, 0)  # by itself it holds
        audit = self.audit(ledger, vkey, output)
        self.assertEqual(audit.returncode, 4)
        self.assertIn(f"MISMATCH      {output}", audit.stdout)


if __name__ == "__main__":
    main()
