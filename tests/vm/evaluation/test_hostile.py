# SPDX-License-Identifier: Apache-2.0
"""Agents that die, fall silent or lie: a signed could-not-evaluate with the true reason, in bounded time, nothing left."""
import json
import os
import shutil
import subprocess
import time
import unittest

from lazaret import BUILD, Case, evaluate_arguments, has_microvm, lazaret, main, state

COULD_NOT_EVALUATE = 3
DEADLINE = """tier: low
arithmetic: mul-add
isolation: [microvm, process]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {deadlineSeconds: SECONDS, memoryMiB: 256, modelMiB: 64}
report: {inputs: none}
checks:
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
"""
# What each one does, and a word of the reason that the result must give.
REASONS = {"dies": "ended", "garbage": "magic", "silent": "silent", "truncated": "ended", "forged": "PREDICTIONS",
           "flood": "PROGRESS"}


class Hostile(Case):
    def policy(self, seconds):
        path = self.folder / f"deadline-{seconds}.yaml"
        path.write_text(DEADLINE.replace("SECONDS", str(seconds)))
        return path

    def expect_reason(self, finished, output, mode):
        self.assertEqual(finished.returncode, COULD_NOT_EVALUATE, finished.stdout + finished.stderr)
        self.assertIn(REASONS[mode], finished.stdout)
        self.assertIn(REASONS[mode], json.loads((output / "execution.json").read_text())["failure"])
        self.assertFalse((output / "evaluation.json").exists())
        forensics = json.loads((output / "forensics.json").read_text())
        self.assertEqual(forensics["outcome"], "could-not-evaluate")
        self.assertIn(REASONS[mode], forensics["reasons"][0])
        self.assertIn(forensics["vm"]["exit"], ("guest", "destroyed", "crashed"))
        self.assertEqual(lazaret("verify", output, "--key", self.public).returncode, 0)
        self.assert_nothing_left()

    def test_processes(self):
        """The hostile agent beside a copy of the program, without a VM."""
        for mode in REASONS:
            with self.subTest(mode):
                binaries = self.folder / mode
                binaries.mkdir()
                shutil.copy(BUILD / "lazaret", binaries / "lazaret")
                shutil.copy(BUILD / "tests" / f"hostile-{mode}", binaries / "lazaret-agent")
                output = self.folder / f"process-{mode}"
                began = time.monotonic()
                finished = subprocess.run(
                    [str(binaries / "lazaret"),
                     *evaluate_arguments(output, self.key, extra=["--policy", self.policy(5)])],
                    capture_output=True, text=True, timeout=120, check=False)
                self.expect_reason(finished, output, mode)
                self.assertLess(time.monotonic() - began, 60)

    @unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
    def test_microvms(self):
        """The same in real VMs, with images of their own."""
        for mode in REASONS:
            with self.subTest(mode):
                environment = {"LAZARET_STATE": str(self.folder / f"state-{mode}")}
                os.makedirs(environment["LAZARET_STATE"])
                cache = state() / "cache"
                if cache.exists():  # the kernel's package, so that it is not downloaded for each
                    os.symlink(cache, os.path.join(environment["LAZARET_STATE"], "cache"))
                built = lazaret("image", "build", "--agent", BUILD / "tests" / f"hostile-{mode}",
                                environment=environment)
                self.assertEqual(built.returncode, 0, built.stderr)
                finished, output = self.evaluate(f"vm-{mode}", isolation="microvm",
                                                 extra=["--policy", self.policy(60)], environment=environment)
                self.expect_reason(finished, output, mode)


if __name__ == "__main__":
    main()
