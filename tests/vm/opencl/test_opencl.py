#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""--device opencl: the digest of the processor's evaluation, a replay without the device, and devices that fail.

Runs on PoCL, the OpenCL driver whose device is the processor; skipped where no OpenCL device is usable.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "evaluation"))
from lazaret import BUILD, DIGITS, LAZARET, ROOT, TIMEOUT, Case, digest, evaluate_arguments, lazaret, main

AGENT = BUILD / "lazaret-agent-opencl"
FAULTY = BUILD / "tests" / "libfaulty-icd.so"


def usable():
    cache = {**os.environ, "POCL_CACHE_DIR": str(BUILD / "tests" / "pocl-cache"),
             "POCL_WORK_GROUP_SPECIALIZATION": "0"}
    return AGENT.exists() and subprocess.run([AGENT, "--device"], env=cache, capture_output=True,
                                             check=False).returncode == 0


@unittest.skipUnless(usable(), "no usable OpenCL device (pocl-opencl-icd) is here")
class OpenCL(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls.folder / "fma.yaml"
        shipped = (ROOT / "policies" / "low.yaml").read_text()
        cls.policy.write_text(shipped.replace("arithmetic: mul-add", "arithmetic: fma"))

    def on(self, device, name, *extra):
        return self.evaluate(name, train=None, extra=["--policy", self.policy, "--device", device, *extra])

    def test_same_digest_and_replay(self):
        processor, here = self.on("cpu", "cpu")
        device, there = self.on("opencl", "opencl", "--batch", "29")
        self.assertEqual((processor.returncode, device.returncode), (0, 0), device.stdout + device.stderr)
        self.assertEqual(digest(here / "evaluation.json"), digest(there / "evaluation.json"))
        facts = json.loads((there / "execution.json").read_text())["guest"]
        self.assertEqual(facts["kernels"], "opencl")
        self.assertEqual(facts["device"]["kind"], "opencl")
        self.assertTrue(all(facts["device"][word] for word in ("name", "version", "driver")))
        self.assertNotIn("device", json.loads((here / "execution.json").read_text())["guest"])
        again = lazaret("replay", there, "--key", self.public, "--model", DIGITS / "clean.onnx", "--test",
                        DIGITS / "test.npz", "--isolation", "process", "--device", "cpu")
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assert_nothing_left()

    @unittest.skipUnless(shutil.which("objdump"), "needs objdump")
    def test_no_gathers(self):
        """QEMU 7.2 decodes some of AVX2's gathers wrongly, and a driver's guest has AVX2 under TCG."""
        for agent in (AGENT, BUILD / "lazaret-agent"):
            code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(agent)], capture_output=True, text=True,
                                  check=True).stdout
            self.assertIn("vfmadd231ps", code)
            self.assertNotRegex(code, r"\tvp?gather")

    def test_usage(self):
        finished, output = self.evaluate("mul-add", train=None, extra=["--device", "opencl"])
        self.assertEqual(finished.returncode, 64)
        self.assertIn("--device opencl computes in the arithmetic fma", finished.stderr)
        self.assertFalse(output.exists())
        finished, output = self.on("opencl", "kernels", "--kernels", "avx2")
        self.assertEqual(finished.returncode, 64)

    def with_drivers(self, name, fault):
        """An evaluation that sees another /etc/OpenCL: no driver at all, or one that fails in this way."""
        drivers = self.folder / f"{name}.drivers"
        self.folder.chmod(0o755)
        (drivers / "vendors").mkdir(parents=True)
        if fault:
            shutil.copy(FAULTY, drivers / "libfaulty-icd.so")
            (drivers / "vendors" / "faulty.icd").write_text("/etc/OpenCL/libfaulty-icd.so\n")
            (drivers / "fault").write_text(fault + "\n")
        output = self.folder / name
        arguments = evaluate_arguments(output, self.key, train=None,
                                       extra=["--policy", self.policy, "--device", "opencl"])
        finished = subprocess.run(["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/OpenCL && exec "$@"',
                                   str(drivers), str(LAZARET), *arguments], capture_output=True, text=True,
                                  timeout=TIMEOUT, check=False)
        return finished, output

    def check_failure(self, name, fault, words):
        finished, output = self.with_drivers(name, fault)
        said = finished.stdout + finished.stderr
        self.assertEqual(finished.returncode, 3, said)
        self.assertIn("could-not-evaluate", said)
        self.assertIn(words, said)
        self.assertFalse((output / "evaluation.json").exists(), "a figure of a device that failed")
        self.assert_nothing_left()

    @unittest.skipUnless(os.geteuid() == 0, "another /etc/OpenCL needs root")
    def test_no_driver(self):
        self.check_failure("none", "", "no OpenCL driver has a device here")

    @unittest.skipUnless(os.geteuid() == 0, "another /etc/OpenCL needs root")
    def test_compiler_refuses(self):
        self.check_failure("build", "build 0", "its compiler refuses the kernels: CL_BUILD_PROGRAM_FAILURE")

    @unittest.skipUnless(os.geteuid() == 0, "another /etc/OpenCL needs root")
    def test_too_little_memory(self):
        self.check_failure("memory", "memory 0", "a smaller --batch needs less")

    @unittest.skipUnless(os.geteuid() == 0, "another /etc/OpenCL needs root")
    def test_driver_without_end(self):
        """A driver that takes memory until it gets none: it says so, or ends as a compiler does that has no more."""
        self.check_failure("hoard", "hoard 60", "CL_OUT_OF_HOST_MEMORY (a worker and its driver may take 4608 MiB)")
        self.check_failure("abort", "abort 60", "the worker died of SIGABRT; its device's driver may do so where it gets "
                                                "no more memory than 4608 MiB")

    @unittest.skipUnless(os.geteuid() == 0, "another /etc/OpenCL needs root")
    def test_device_goes_away(self):
        self.check_failure("gone", "launch 60", "CL_DEVICE_NOT_AVAILABLE")


if __name__ == "__main__":
    main()
