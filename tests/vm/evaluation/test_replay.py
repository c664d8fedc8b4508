# SPDX-License-Identifier: Apache-2.0
"""Replay: the same facts elsewhere, and every reason why not named before or after the run."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import numpy

from lazaret import BUILD, DIGITS, LAZARET, Case, digest, evaluate_arguments, has_microvm, lazaret, main, write_npz

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scan"))
from malicious import call  # noqa: E402  the scan's own files

MISMATCH, USAGE, NO_INPUT = 4, 64, 66
SAMPLES = 24
POLICY = """tier: low
isolation: [ISOLATION]
minimumSamples: 1
recheck: RECHECK
limits: {deadlineSeconds: 600, memoryMiB: 128, modelMiB: 64}
checks:
  scan: {required: true}
  clean-accuracy: {required: true, bound: point, accuracy: 0.0}
  fgsm: {required: false, goal: untargeted, restarts: 1, curves: [{norm: inf, eps: [0.03, 0.1]}]}
"""


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Replay(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with numpy.load(DIGITS / "test.npz") as whole:
            cls.test = write_npz(cls.folder / "few.npz", x=whole["x"][:SAMPLES], y=whole["y"][:SAMPLES])
        cls.result = cls.record("recorded")

    @classmethod
    def record(cls, name, isolation="process", model=DIGITS / "clean.onnx", recheck=0, extra=()):
        policy = cls.folder / f"{name}.yaml"
        policy.write_text(POLICY.replace("ISOLATION", isolation).replace("RECHECK", str(recheck)))
        output = cls.folder / name
        finished = lazaret(*evaluate_arguments(output, cls.key, model=model, test=cls.test, train=None,
                                               isolation=isolation, extra=["--policy", policy, *extra]))
        if not (output / "evaluation.json").exists():
            raise AssertionError(finished.stdout + finished.stderr)
        return output

    def arguments(self, result, *extra, model=DIGITS / "clean.onnx", test=None, isolation="process"):
        return [str(word) for word in ("replay", result, "--key", self.public, "--model", model, "--test",
                                       test or self.test, "--isolation", isolation, "--quiet", *extra)]

    def replay(self, *arguments, **options):
        return lazaret(*self.arguments(*arguments, **options))

    def program_with_agent(self, name, agent):
        """A copy of the program beside another agent."""
        binaries = self.folder / name
        binaries.mkdir()
        shutil.copy(LAZARET, binaries / "lazaret")
        shutil.copy(agent, binaries / "lazaret-agent")
        return binaries / "lazaret"

    def test_the_same(self):
        finished = self.replay(self.result)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertIn("reproduced: evaluation.json " + digest(self.result / "evaluation.json"), finished.stdout)
        self.assertIn("verdict: passed, as signed", finished.stdout)
        report = json.loads(self.replay(self.result, "--json").stdout)
        self.assertTrue(report["reproduced"])
        self.assertIsNone(report["difference"])
        self.assertEqual(report["platform"]["agent"], "same")
        evaluation = json.loads((self.result / "evaluation.json").read_text())
        self.assertEqual([(check["id"], check["recorded"], check["same"]) for check in report["checks"]],
                         [(check["id"], hashlib.sha256(canonical(check)).hexdigest(), True)
                          for check in evaluation["checks"]])
        self.assert_nothing_left()

    def test_nothing_is_written(self):
        before = sorted((path, digest(path)) for path in self.folder.rglob("*") if path.is_file())
        self.assertEqual(self.replay(self.result).returncode, 0)
        after = sorted((path, digest(path)) for path in self.folder.rglob("*") if path.is_file())
        self.assertEqual(before, after)

    def test_another_agent(self):
        """The same computation under another digest is said to be another's."""
        agent = self.folder / "agent-with-a-tail"
        agent.write_bytes((BUILD / "lazaret-agent").read_bytes() + b"tail")
        agent.chmod(0o755)
        program = self.program_with_agent("other", agent)
        finished = subprocess.run([str(program), *self.arguments(self.result)], capture_output=True, text=True,
                                  timeout=120, check=False)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertIn("reproduced with another agent: evaluation.json", finished.stdout)

    def test_other_bits(self):
        """An agent that computes something else: the first differing check and field, and status 4."""
        program = self.program_with_agent("lying", BUILD / "tests" / "lying-attacks")
        finished = subprocess.run([str(program), *self.arguments(self.result)], capture_output=True, text=True,
                                  timeout=120, check=False)
        self.assertEqual(finished.returncode, MISMATCH, finished.stderr)
        self.assertIn("not reproduced: checks[fgsm].curves[0].points[0].accuracy is", finished.stderr)
        lines = finished.stdout.splitlines()
        self.assertTrue(any(line.split()[:2] == ["clean-accuracy", "same"] for line in lines), finished.stdout)
        self.assertTrue(any(line.split()[:2] == ["fgsm", "differs"] for line in lines), finished.stdout)
        self.assertIn("first at curves[0].points[0].accuracy:", finished.stdout)
        self.assertIn("not reproduced with another agent", finished.stdout)
        finished = subprocess.run([str(program), *self.arguments(self.result, "--json")], capture_output=True,
                                  text=True, timeout=120, check=False)
        report = json.loads(finished.stdout)
        self.assertEqual((finished.returncode, report["reproduced"]), (MISMATCH, False))
        self.assertEqual([check["id"] for check in report["checks"] if not check["same"]], ["fgsm"])

    def test_a_rejected_model(self):
        """Dangerous: nothing but the scan was made of it, and that is replayed."""
        model = self.folder / "model.pkl"
        model.write_bytes(call("os", "system", "true"))
        result = self.record("dangerous", model=model)
        finished = self.replay(result, model=model)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertIn("verdict: rejected, as signed", finished.stdout)

    def test_other_inputs(self):
        with numpy.load(self.test) as few:
            other = write_npz(self.folder / "other.npz", x=few["x"][::-1], y=few["y"][::-1])
        for options, word in (({"test": other}, "test"), ({"model": DIGITS / "bd15.onnx"}, "model")):
            finished = self.replay(self.result, **options)
            self.assertEqual(finished.returncode, MISMATCH, finished.stderr)
            self.assertIn(word, finished.stderr)
        finished = self.replay(self.result, "--train", DIGITS / "train-clean.npz")
        self.assertEqual(finished.returncode, USAGE)
        self.assertIn("leave --train out", finished.stderr)

    def resigned(self, name, change):
        """The result with another plan.json, signed by the holder of the key."""
        copy = self.folder / name
        shutil.copytree(self.result, copy)
        plan = json.loads((copy / "plan.json").read_text())
        change(plan)
        (copy / "plan.json").write_bytes(canonical(plan))
        bundle = json.loads((copy / "result.sigstore.json").read_text())
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        for resource in statement["predicate"]["configuration"]:
            if resource["name"] == "plan.json":
                resource["digest"]["sha256"] = digest(copy / "plan.json")
        payload, kind = canonical(statement), bundle["dsseEnvelope"]["payloadType"].encode()
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], capture_output=True, check=True,
                                input=b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signed.stdout).decode()
        (copy / "result.sigstore.json").write_bytes(canonical(bundle))
        return copy

    def test_another_version_of_a_check(self):
        """Said before anything boots: what this program would run is not what was run."""
        def older(plan):
            plan["checks"][2]["version"] = 77
        finished = self.replay(self.resigned("older", older))
        self.assertEqual(finished.returncode, MISMATCH)
        self.assertIn("fgsm version 1, the record has version 77", finished.stderr)
        self.assertEqual(finished.stdout, "")

    def test_another_plan(self):
        def steeper(plan):
            plan["checks"][2]["curves"][0]["eps"][1] = "0.2"
        finished = self.replay(self.resigned("steeper", steeper))
        self.assertEqual(finished.returncode, MISMATCH)
        self.assertIn('checks[fgsm].curves[0].eps[1] is "0.2" in the record\'s plan.json and "0.1" here', finished.stderr)

    def test_what_never_changes_a_result(self):
        """Another machine, and files of other names, are no other plan."""
        def moved(plan):
            plan["machine"]["vcpus"], plan["machine"]["batch"] = 7, 1
        model = self.folder / "renamed.onnx"
        shutil.copy(DIGITS / "clean.onnx", model)
        finished = self.replay(self.resigned("moved", moved), "--batch", 5, model=model)
        self.assertEqual(finished.returncode, 0, finished.stderr)

    def test_no_image(self):
        """Where there is no image at all, the remedy is to import the recorded one."""
        empty = self.folder / "no-state"
        empty.mkdir()
        finished = lazaret(*self.arguments(self.result, isolation="microvm"), environment={"LAZARET_STATE": str(empty)})
        self.assertEqual(finished.returncode, NO_INPUT)
        self.assertIn("lazaret image import FILE", finished.stderr)

    @unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
    def test_elsewhere_without_a_network(self):
        """Recorded in a microVM, whose policy allows nothing else, and rechecked there: replayed in a process; and, from
        the archived image alone, in a microVM of a machine that has no network and no state."""
        result = self.record("in-vm", isolation="microvm", recheck=4, extra=["--accel", "tcg"])
        execution = json.loads((result / "execution.json").read_text())
        self.assertEqual([run["purpose"] for run in execution["runs"]], ["evaluation", "opening", "prediction"])
        self.assertEqual(execution["recheck"]["agreed"], 8)
        finished = self.replay(result)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertIn("recorded  microvm under tcg", finished.stdout)
        archive, elsewhere = self.folder / "image.tar", self.folder / "elsewhere"
        self.assertEqual(lazaret("image", "export", archive, execution["digests"]["image"]).returncode, 0)
        elsewhere.mkdir()
        environment = {**os.environ, "LAZARET_STATE": str(elsewhere)}
        for arguments in (["image", "import", archive],
                          self.arguments(result, "--accel", "tcg", "--json", isolation="microvm")):
            finished = subprocess.run(["unshare", "--net", str(LAZARET), *map(str, arguments)], capture_output=True,
                                      text=True, timeout=300, check=False, env=environment)
            self.assertEqual(finished.returncode, 0, finished.stderr)
        report = json.loads(finished.stdout)
        self.assertTrue(report["reproduced"])
        self.assertEqual(report["platform"], {"agent": "same", "kernel": "same", "initramfs": "same", "disk": "unused"})
        self.assertNotIn("note", report)
        self.assert_nothing_left()


if __name__ == "__main__":
    main()
