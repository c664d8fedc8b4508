# SPDX-License-Identifier: Apache-2.0
"""The digits models, whole: the figures of the references, from a real microVM, signed, verified, replayed."""
import json
import subprocess
import unittest

import numpy

from lazaret import (CLEAN_CORRECT, DIGITS, INF_CORRECT, INF_ROBUST, VERIFY, Case, check_of, digest, has_microvm,
                     lazaret, main)


@unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
class Digits(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_clean, cls.clean = cls.evaluate("clean.lazaret", isolation="microvm",
                                                extra=["--vcpus", 2, "--samples", 5])
        cls.run_poisoned, cls.poisoned = cls.evaluate("bd15.lazaret", model=DIGITS / "bd15.onnx",
                                                      train=DIGITS / "train-bd15.npz", isolation="microvm")

    def test_clean_model_passes(self):
        self.assertEqual(self.run_clean.returncode, 0, self.run_clean.stderr)
        accuracy = check_of(self.evaluation_of(self.clean), "clean-accuracy")
        self.assertEqual((accuracy["correct"], accuracy["total"]), (CLEAN_CORRECT, 450))

    def test_fgsm_figures(self):
        curve = next(c for c in check_of(self.evaluation_of(self.clean), "fgsm")["curves"] if c["norm"] == "inf")
        self.assertEqual([p["correct"] for p in curve["points"]], INF_CORRECT)
        self.assertEqual([p["robustCorrect"] for p in curve["points"]], INF_ROBUST)

    def test_clusters_of_the_clean_model(self):
        classes = check_of(self.evaluation_of(self.clean), "activation-clustering")["classes"]
        self.assertEqual(classes[0]["sizes"], [103, 43])
        self.assertFalse(any(c["suspicious"] for c in classes))

    def test_clusters_of_the_poisoned_model(self):
        self.assertEqual(self.run_poisoned.returncode, 1, self.run_poisoned.stderr)
        classes = check_of(self.evaluation_of(self.poisoned), "activation-clustering")["classes"]
        self.assertEqual(classes[0]["sizes"], [202, 146])
        self.assertEqual([c["label"] for c in classes if c["suspicious"]], [0])

    def test_the_trigger_of_the_poisoned_model(self):
        best = check_of(self.evaluation_of(self.poisoned), "trigger-scan")["best"]
        self.assertEqual([best[k] for k in ("target", "row", "col", "height", "width")], [0, 6, 6, 2, 2])
        self.assertEqual(check_of(self.evaluation_of(self.clean), "trigger-scan")["suspicious"], [])

    def test_execution_proves_the_end(self):
        execution = json.loads((self.clean / "execution.json").read_text())
        self.assertEqual(execution["isolation"], "microvm")
        for fact in ("processesGone", "mountsGone", "socketsGone"):
            self.assertTrue(execution["destruction"][fact], fact)
        self.assertEqual({c["id"] for c in execution["checks"]},
                         {"scan", "clean-accuracy", "fgsm", "activation-clustering", "trigger-scan"})
        self.assert_nothing_left()

    def test_samples_are_adversarial(self):
        clean = numpy.load(DIGITS / "test.npz")["x"][:5]
        samples = numpy.load(self.clean / "samples.npz")
        attacked = samples["fgsm_inf_0.1"]
        self.assertEqual(attacked.shape, clean.shape)
        self.assertLessEqual(float(numpy.abs(attacked - clean).max()), 0.1 + 1e-6)
        self.assertGreater(float(numpy.abs(attacked - clean).max()), 0.09)

    def test_verify_and_replay(self):
        verified = subprocess.run([VERIFY, self.clean, "--key", self.public, "--model", DIGITS / "clean.onnx"],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        replayed = lazaret("replay", self.clean, "--key", self.public, "--model", DIGITS / "clean.onnx", "--test",
                           DIGITS / "test.npz", "--train", DIGITS / "train-clean.npz", "--isolation", "process",
                           "--quiet")
        self.assertEqual(replayed.returncode, 0, replayed.stderr)
        self.assertIn(digest(self.clean / "evaluation.json"), replayed.stdout)


if __name__ == "__main__":
    main()
