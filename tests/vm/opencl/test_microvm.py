#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An evaluation by OpenCL inside a microVM without a GPU: PoCL as the image's driver, the processor's digest.

Takes some minutes of CPU under TCG, most of them for PoCL's compiler; so only with LAZARET_OPENCL_VM=1.
"""
import json
import os
import pathlib
import resource
import shutil
import sys
import unittest

import pocl_tree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "evaluation"))
from lazaret import BUILD, DIGITS, Case, digest, evaluate_arguments, has_microvm, lazaret, main, state

STATE = BUILD / "tests" / "pocl-state"
FETCHED = BUILD / "tests" / "gpu-state" / "cache"  # by the test gpu-image, which ctest runs before
PATIENCE = 3600  # seconds
POLICY = """tier: low
arithmetic: fma
isolation: [microvm, process]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {deadlineSeconds: 3000, memoryMiB: 1024, modelMiB: 64}
report: {inputs: none}
checks:
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
  fgsm:
    required: true
    goal: untargeted
    restarts: 0
    curves:
      - {norm: inf, eps: [0.03, 0.1]}
      - {norm: 2, eps: [0.5]}
      - {norm: 1, eps: [1]}
"""


@unittest.skipUnless(os.environ.get("LAZARET_OPENCL_VM"), "some minutes of CPU: only with LAZARET_OPENCL_VM=1")
@unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
@unittest.skipIf(pocl_tree.missing(), f"there is no {pocl_tree.missing()} (pocl-opencl-icd)")
class OpenCLInMicroVM(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls.folder / "policy.yaml"
        cls.policy.write_text(POLICY)
        cls.environment = {"LAZARET_STATE": str(STATE)}
        STATE.mkdir(parents=True, exist_ok=True)
        if FETCHED.exists():
            shutil.copytree(FETCHED, STATE / "cache", dirs_exist_ok=True)
        known = state() / "kvm-does-not-work"
        if known.exists():  # what the probe found out once already
            shutil.copy(known, STATE)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(STATE / "images", ignore_errors=True)  # some 200 MB
        super().tearDownClass()

    def run_on(self, name, isolation, *extra):
        output = self.folder / name
        finished = lazaret(*evaluate_arguments(output, self.key, train=None, isolation=isolation,
                                               extra=["--policy", self.policy, *extra]),
                           timeout=PATIENCE, environment=self.environment)
        self.assertEqual(finished.returncode, 0, finished.stdout + finished.stderr)
        return output

    def test_same_digest(self):
        tree = pocl_tree.make_tree(self.folder / "tree")
        made = lazaret("image", "build", "--gpu", "intel", "--driver", tree, timeout=PATIENCE,
                       environment=self.environment)
        self.assertEqual(made.returncode, 0, made.stderr)
        here = self.run_on("cpu", "process", "--device", "cpu")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        there = self.run_on("opencl", "microvm", "--device", "opencl", "--batch", "64")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        execution = json.loads((there / "execution.json").read_text())
        print("\nseen:", execution["acceleration"], execution["guest"]["device"],
              f"{after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.0f} CPU s",
              [(phase["name"], phase["wallSeconds"]) for phase in execution["phases"]])
        self.assertEqual(digest(here / "evaluation.json"), digest(there / "evaluation.json"))
        self.assertEqual(execution["isolation"], "microvm")
        self.assertEqual(execution["guest"]["kernels"], "opencl")
        self.assertEqual(execution["guest"]["device"]["kind"], "opencl")
        self.assertIn("PoCL", execution["guest"]["device"]["version"])
        again = lazaret("replay", there, "--key", self.public, "--model", DIGITS / "clean.onnx", "--test",
                        DIGITS / "test.npz", "--isolation", "process", "--device", "cpu", timeout=PATIENCE)
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assert_nothing_left()


if __name__ == "__main__":
    main()
