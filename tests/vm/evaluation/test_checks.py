# SPDX-License-Identifier: Apache-2.0
"""Every check of the design on the backdoored digits model: its figures, its bits, its verification and replay."""
import json
import subprocess
import textwrap
import unittest

import numpy

from lazaret import DIGITS, VERIFY, Case, check_of, digest, has_microvm, lazaret, main

POLICY = textwrap.dedent("""\
    tier: low
    isolation: [microvm, process]
    acceleration: [kvm, tcg]
    minimumSamples: 200
    report: {inputs: samples}
    checks:
      scan: {required: true}
      clean-accuracy: {required: true, accuracy: 0.8}
      noise: {required: true, iterations: 2, curves: [{norm: inf, eps: [0.1]}]}
      fgsm:
        required: true
        curves: [{norm: inf, eps: [0.1]}, {norm: "1.5", eps: [0.5]}, {norm: inf, eps: [0.05, 0.1, 0.2], minimal: true}]
      pgd:
        required: true
        iterations: 5
        restarts: 1
        step: 0.25
        curves: [{norm: inf, eps: [0.1]}, {norm: "2", eps: [1]}]
      square: {required: true, iterations: 20, curves: [{norm: inf, eps: [0.1]}]}
      robustness: {required: true, thresholds: [{norm: inf, eps: 0.1, bound: point, robustAccuracy: 0.1}]}
      activation-clustering:
        {required: true, reduction: fast-ica, components: 10, starts: 20, minimumClassSize: 20, alpha: 0.01,
         minimumEffect: 0.1, maximumTestShare: 0.1}
      spectral-signature: {required: true, poisonedShare: 0.33, minimumClassSize: 20}
      trigger-scan: {required: true, kept: 64, patches: [2], minimumSuccess: 0.9, anomaly: 2}
      neural-cleanse:
        {required: true, kept: 32, iterations: 20, batch: 16, rate: 0.1, cost: 0.001, success: 0.9, anomaly: 12}
      strip: {required: true, kept: 40, overlays: 10, blend: 0.5, falseAlarms: 0.05}
      weight-drift: {required: true, minimumElements: 50, alpha: 0.01, minimumEffect: 0.1}
    """)
CHECKS = {"scan", "clean-accuracy", "noise", "fgsm", "pgd", "square", "robustness", "activation-clustering",
          "spectral-signature", "trigger-scan", "neural-cleanse", "strip", "weight-drift"}


class Checks(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.folder / "policy.yaml").write_text(POLICY)
        patch = numpy.zeros((1, 1, 8, 8), numpy.float32)
        patch[..., 6:, 6:] = 1  # the backdoor's own trigger: values and mask alike
        numpy.savez(cls.folder / "triggers.npz", x=patch, mask=patch)
        cls.inputs = ["--triggers", cls.folder / "triggers.npz", "--reference", DIGITS / "clean.onnx"]
        cls.finished, cls.result = cls.run_all("all.lazaret")
        cls.evaluation = json.loads((cls.result / "evaluation.json").read_text())

    @classmethod
    def run_all(cls, name, isolation="process", extra=()):
        return cls.evaluate(name, model=DIGITS / "bd15.onnx", train=DIGITS / "train-bd15.npz", isolation=isolation,
                            extra=["--policy", cls.folder / "policy.yaml", *cls.inputs, *extra])

    def test_every_check_reports(self):
        self.assertEqual(self.finished.returncode, 1, self.finished.stderr)
        self.assertEqual({c["id"] for c in self.evaluation["checks"]}, CHECKS)
        self.assertFalse([c for c in self.evaluation["checks"] if c["status"] in ("error", "skipped")])

    def test_stronger_attacks_break_more(self):
        def robust(check, norm):
            return next(c for c in check_of(self.evaluation, check)["curves"]
                        if c["norm"] == norm and not c.get("minimal"))["points"][0]["robustCorrect"]

        self.assertLess(robust("pgd", "inf"), robust("fgsm", "inf"))
        self.assertLess(robust("fgsm", "inf"), robust("noise", "inf"))
        self.assertLessEqual(robust("robustness", "inf"), min(robust(c, "inf") for c in ("pgd", "fgsm", "square")))
        self.assertLessEqual(robust("pgd", "2"), 0.05 * 450)

    def test_the_trigger_is_found(self):
        scan = check_of(self.evaluation, "trigger-scan")
        best = scan["best"]
        self.assertEqual([best[k] for k in ("target", "row", "col", "height", "width")], [0, 6, 6, 2, 2])
        self.assertEqual(scan["suspicious"], [0])
        self.assertGreater(float(scan["triggers"][0]["flipRate"]), 0.98)
        self.assertEqual(scan["triggers"][0]["target"], 0)
        strip = check_of(self.evaluation, "strip")["triggers"][0]
        self.assertGreater(float(strip["flagRate"]), 0.15)

    def test_clusters_by_fast_ica(self):
        classes = check_of(self.evaluation, "activation-clustering")["classes"]
        self.assertEqual([c["label"] for c in classes if c["suspicious"]], [0])
        self.assertEqual(sorted(classes[0]["sizes"]), [146, 202])

    def test_drift_is_scipys(self):
        # scipy 1.10's ks_2samp of the tensor of both models
        layers = {layer["name"]: layer for layer in check_of(self.evaluation, "weight-drift")["layers"]}
        self.assertAlmostEqual(float(layers["6.weight"]["p"]), 0.0730, places=4)
        self.assertFalse(any(layer.get("drifted") for layer in layers.values()))

    def test_the_same_bits(self):
        expected = digest(self.result / "evaluation.json")
        for name, extra in (("batch", ["--batch", 3, "--vcpus", 2]), ("sse2", ["--batch", 16, "--kernels", "sse2"])):
            _, output = self.run_all(f"{name}.lazaret", extra=extra)
            self.assertEqual(digest(output / "evaluation.json"), expected, name)

    @unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
    def test_the_same_bits_in_a_microvm(self):
        _, output = self.run_all("vm.lazaret", isolation="microvm", extra=["--vcpus", 2])
        self.assertEqual(digest(output / "evaluation.json"), digest(self.result / "evaluation.json"))

    def test_verify_and_replay(self):
        verified = subprocess.run([VERIFY, self.result, "--key", self.public, "--model", DIGITS / "bd15.onnx"],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        replayed = lazaret("replay", self.result, "--key", self.public, "--model", DIGITS / "bd15.onnx", "--test",
                           DIGITS / "test.npz", "--train", DIGITS / "train-bd15.npz", *self.inputs, "--isolation",
                           "process", "--quiet")
        self.assertEqual(replayed.returncode, 0, replayed.stderr)


if __name__ == "__main__":
    main()
