# SPDX-License-Identifier: Apache-2.0
"""`repeat` and `recheck`: honest guests agree; one that is not deterministic, or lies, yields could-not-evaluate."""
import base64
import hashlib
import json
import shutil
import subprocess

import numpy

from lazaret import BUILD, DIGITS, Case, digest, evaluate_arguments, lazaret, main, write_npz

COULD_NOT_EVALUATE = 3
SAMPLES = 90
POLICY = """tier: low
isolation: [process]
minimumSamples: 1
repeat: REPEAT
recheck: RECHECK
limits: {deadlineSeconds: 600, memoryMiB: 128, modelMiB: 64}
checks:
  clean-accuracy: {required: true, bound: point, accuracy: 0.0}
  noise: {required: false, iterations: 3, curves: [{norm: inf, eps: [0.1]}]}
  fgsm:
    required: false
    goal: random
    restarts: 1
    curves: [{norm: inf, eps: [0.03, 0.1]}, {norm: 2, eps: [0.25, 0.5], minimal: true}]
  pgd: {required: false, goal: untargeted, iterations: 3, restarts: 1, step: 0.5, curves: [{norm: 2, eps: [0.5, 1]}]}
  square: {required: false, iterations: 20, restarts: 0, curves: [{norm: inf, eps: [0.1]}]}
"""


class Recheck(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with numpy.load(DIGITS / "test.npz") as whole:
            cls.test = write_npz(cls.folder / "few.npz", x=whole["x"][:SAMPLES], y=whole["y"][:SAMPLES])

    def policy(self, repeat, recheck, head=""):
        path = self.folder / f"policy-{repeat}-{recheck}.yaml"
        path.write_text(head + POLICY.replace("REPEAT", str(repeat)).replace("RECHECK", str(recheck)))
        return path

    def run_policy(self, name, repeat, recheck, program=None, **options):
        """Evaluates the few samples; `program` is a copy of lazaret beside another agent."""
        output = self.folder / name
        arguments = evaluate_arguments(output, self.key, test=self.test, train=None,
                                       extra=["--policy", self.policy(repeat, recheck), *options.pop("extra", [])],
                                       **options)
        if program is None:
            finished = lazaret(*arguments)
        else:
            finished = subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=120,
                                      check=False)
        return finished, output, json.loads((output / "execution.json").read_text())

    def lying(self, mode):
        """A copy of the program with an agent that lies in this way."""
        binaries = self.folder / f"lying-{mode}"
        if not binaries.exists():
            binaries.mkdir()
            shutil.copy(BUILD / "lazaret", binaries / "lazaret")
            shutil.copy(BUILD / "tests" / f"lying-{mode}", binaries / "lazaret-agent")
        return binaries / "lazaret"

    def expect_agreement(self, output, execution, repeat, recheck):
        statement = self.statement(output)
        purposes = ["evaluation"] * repeat + (["opening", "prediction"] if recheck else [])
        self.assertEqual([run["purpose"] for run in execution["runs"]], purposes)
        for run in execution["runs"]:
            self.assertTrue(run["destruction"]["processesGone"])
        self.assertEqual([run["evaluation"] for run in execution["runs"][:repeat]],
                         [digest(output / "evaluation.json")] * repeat)
        self.assertEqual("repeat" in statement["hostVerified"], repeat > 1)
        self.assertEqual("recheck" in statement["hostVerified"], recheck > 0)
        self.assert_nothing_left()

    def statement(self, output):
        bundle = json.loads((output / "result.sigstore.json").read_text())
        payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        return payload["predicate"]["https://lazaret.dev/evaluation/v1"]

    def test_honest(self):
        """Every attack, opened at its own places, does again what it did in the whole set."""
        _, output, execution = self.run_policy("honest", 3, 64)
        self.expect_agreement(output, execution, 3, 64)
        recheck = execution["recheck"]
        self.assertEqual((recheck["adversarial"], recheck["clean"], recheck["agreed"]), (64, 64, 128))
        self.assertNotEqual(recheck["nonce"], hashlib.sha256(b"").hexdigest())

    def test_labels(self):
        """Where test labels travel into the guest, those of the opened inputs do too."""
        output = self.folder / "labels"
        finished = lazaret(*evaluate_arguments(output, self.key, test=self.test, train=None,
                                               extra=["--policy", self.policy(1, 32, "labels: true\n")]))
        self.assertIn(finished.returncode, (0, 2), finished.stdout + finished.stderr)
        self.assertEqual(json.loads((output / "execution.json").read_text())["recheck"]["agreed"], 64)

    def test_small_set(self):
        """One adversarial input an attack and test input at most, and every clean one once."""
        with numpy.load(self.test) as few:
            tiny = write_npz(self.folder / "tiny.npz", x=few["x"][:5], y=few["y"][:5])
        output = self.folder / "tiny"
        finished = lazaret(*evaluate_arguments(output, self.key, test=tiny, train=None,
                                               extra=["--policy", self.policy(1, 1024)]))
        recheck = json.loads((output / "execution.json").read_text())["recheck"]
        self.assertEqual((recheck["adversarial"], recheck["clean"], recheck["agreed"]), (20, 5, 25), finished.stderr)

    def expect_failure(self, finished, output, execution, words, runs):
        self.assertEqual(finished.returncode, COULD_NOT_EVALUATE, finished.stdout + finished.stderr)
        for word in words:
            self.assertIn(word, execution["failure"])
        self.assertIn(execution["failure"], self.statement(output)["reasons"])
        self.assertEqual([run["purpose"] for run in execution.get("runs", [])], runs)
        self.assertFalse((output / "evaluation.json").exists())
        self.assertEqual(lazaret("verify", output, "--key", self.public).returncode, 0)
        self.assert_nothing_left()

    def test_drifting_guest(self):
        finished, _, _ = self.run_policy("drift-once", 1, 0, self.lying("drifts"))
        self.assertEqual(finished.returncode, 0, "once, nothing is noticed")
        self.expect_failure(*self.run_policy("drift", 2, 0, self.lying("drifts")),
                            ["evaluation 2 differs from the first: checks[clean-accuracy]", "not deterministic"],
                            ["evaluation", "evaluation"])

    def test_lie_about_attacks(self):
        """The predictions were committed before the guest could know which inputs would be opened."""
        finished, _, _ = self.run_policy("lie-repeated", 2, 0, self.lying("attacks"))
        self.assertEqual(finished.returncode, 0, "a steady lie is deterministic")
        self.expect_failure(*self.run_policy("lie", 1, 8, self.lying("attacks")),
                            ["recheck: a second guest that attacks test input", "the evaluation's claims"],
                            ["evaluation", "opening"])

    def test_steady_lie(self):
        """The same lie in evaluation and opening: the guest that only predicts does not know what to lie about."""
        finished, output, execution = self.run_policy("steady", 1, 8, self.lying("steadily"))
        self.expect_failure(finished, output, execution,
                            ["recheck: a guest that only predicts contradicts the evaluation's on 8 of 16 inputs"],
                            ["evaluation", "opening", "prediction"])
        self.assertEqual(execution["recheck"]["agreed"], 8)

    def test_too_much_memory(self):
        """A recheck that would hold too much is refused before anything boots."""
        wide = write_npz(self.folder / "wide.npz", x=numpy.zeros((2, 3, 300, 300), dtype=numpy.float32),
                         y=numpy.arange(2))
        spec = self.folder / "wide.yaml"
        spec.write_text("input: input\noutput: logits\nlayout: NCHW\ntype: float32\nrange: [0, 1]\noutputs: logits\n")
        output = self.folder / "wide"
        finished = lazaret(*evaluate_arguments(output, self.key, test=wide, train=None, spec=spec,
                                               extra=["--policy", self.policy(1, 1024)]))
        self.assertEqual(finished.returncode, COULD_NOT_EVALUATE, finished.stderr)
        self.assertIn("`recheck: 165` would fit", json.loads((output / "execution.json").read_text())["failure"])


if __name__ == "__main__":
    main()
