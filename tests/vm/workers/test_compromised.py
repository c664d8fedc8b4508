# SPDX-License-Identifier: Apache-2.0
"""A model that takes over its worker, in every way that it may try: a signed could-not-evaluate that says what it did, in
bounded time, and nothing left.

LAZARET_WORKERS=all tries every way in a microVM too; otherwise only the one that needs a machine of its own."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "evaluation"))
from lazaret import BUILD, Case, evaluate_arguments, has_microvm, lazaret, main, state  # noqa: E402

COULD_NOT_EVALUATE = 3
POLICY = """tier: low
arithmetic: mul-add
isolation: [microvm, process]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {deadlineSeconds: SECONDS, memoryMiB: 256, modelMiB: 64}
report: {inputs: none}
checks:
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
"""
FORBIDDEN, CRASHED, INTERNAL = "forbidden-call", "worker-crashed", "internal"


def call(name, number, also=""):
    """The report of a forbidden call: its name in the text, its number in the facts."""
    return {"failure": FORBIDDEN, "text": f"forbidden system call {name}{also} (", "systemCall": number}


def crash(name, number, text=""):
    return {"failure": CRASHED, "text": text or f"the worker died of SIG{name}", "signalName": name, "signal": number}


def nonsense(text):
    return {"failure": CRASHED, "text": f"the worker's output made no sense: {text}"}


# What the host must be told of each way. A way that uses up time has no worker's report: the deadline says so.
WAYS = {
    "opens": call("openat", 257), "connects": call("socket", 41), "forks": call("clone", 56),
    "executes": call("execve", 59), "traces": call("getppid", 110), "traces-1": call("ptrace", 101),
    "kills": call("kill", 62), "signals": call("tgkill", 234), "closes": call("close", 3), "maps-code": call("mmap", 9),
    "x32": call("getpid", 0x40000027, " (x32)"), "int80": None,
    "faults": crash("SEGV", 11, "SIGSEGV at address 0xabc0, instruction 0x"),
    "overflows": crash("SEGV", 11, "SIGSEGV at address 0x7"), "divides": crash("FPE", 8), "breaks": crash("ILL", 4),
    "misaligns": crash("BUS", 7), "aborts": crash("ABRT", 6), "eats": crash("ABRT", 6),
    "leaves": {"failure": INTERNAL, "text": "the worker ended with status 0 and no result"},
    "forges-report": {"failure": INTERNAL, "text": "the worker ended with status 119 and no result"},
    "floods": nonsense("frame header has the magic"), "forges-size": nonsense("frame of type 0x82 claims 4294967295"),
    "forges-frame": nonsense("message READY"), "floods-well": nonsense("the guest broke the protocol: PROGRESS"),
    "forges-results": nonsense("the guest broke the protocol: CHECK_DONE"), "plays-host": nonsense("the guest broke the protocol: BYE"),
    "blames": {"failure": INTERNAL, "text": "the host broke the protocol"},
}
SLOW = ("spins", "stalls")  # end with the policy's deadline
UNLIMITED = "eats-unlimited"  # only where the guest has a memory of its own
DEADLINE, SLOW_DEADLINE = 60, 3


class Compromised(Case):
    def hostile_model(self, way):
        model = self.folder / f"{way}.onnx"
        model.write_text(f"take over: {way}")
        return model

    def policy(self, seconds):
        path = self.folder / f"policy-{seconds}.yaml"
        path.write_text(POLICY.replace("SECONDS", str(seconds)))
        return path

    def expect_signed_failure(self, finished, output):
        self.assertEqual(finished.returncode, COULD_NOT_EVALUATE, finished.stdout + finished.stderr)
        self.assertFalse((output / "evaluation.json").exists())
        self.assertEqual(lazaret("verify", output, "--key", self.public).returncode, 0)
        self.assert_nothing_left()
        forensics = json.loads((output / "forensics.json").read_text())
        self.assertEqual(forensics["outcome"], "could-not-evaluate")
        self.assertEqual(json.loads((output / "execution.json").read_text())["failure"], forensics["reasons"][0])
        return forensics

    def expect_report(self, finished, output, way):
        forensics = self.expect_signed_failure(finished, output)
        worker, expected = forensics["worker"], WAYS[way]
        if way == "int80":  # a kernel without 32-bit calls makes a fault of it
            self.assertIn(worker["failure"], (FORBIDDEN, CRASHED))
            expected = call("execve", 0x2000000B, " (32-bit)") if worker["failure"] == FORBIDDEN else crash("SEGV", 11)
        if way == "misaligns" and worker["failure"] == "bad-model":  # TCG checks no alignment: nothing happened
            return
        for name, value in expected.items():
            (self.assertIn if name == "text" else self.assertEqual)(value, worker[name])
        self.assertIn(expected["text"], forensics["reasons"][0])
        if worker["failure"] == FORBIDDEN:
            self.assertRegex(worker["address"], "^0x[0-9a-f]{5,}$")

    def expect_deadline(self, finished, output):
        forensics = self.expect_signed_failure(finished, output)
        self.assertRegex(forensics["reasons"][0], "time|deadline|silent")

    def show(self, way, began, forensics):
        worker = json.loads((forensics / "forensics.json").read_text())
        print(f"{way}: {time.monotonic() - began:.1f} s: {worker['reasons'][0]}", file=sys.stderr)

    def test_processes(self):
        """Without a VM."""
        binaries = self.folder / "binaries"
        binaries.mkdir()
        shutil.copy(BUILD / "lazaret", binaries / "lazaret")
        shutil.copy(BUILD / "tests" / "compromised-agent", binaries / "lazaret-agent")
        for way in (*WAYS, *SLOW):
            with self.subTest(way):
                output = self.folder / f"process-{way}"
                began = time.monotonic()
                finished = subprocess.run(
                    [str(binaries / "lazaret"),
                     *evaluate_arguments(output, self.key, model=self.hostile_model(way), train=None,
                                         extra=["--policy", self.policy(SLOW_DEADLINE if way in SLOW else DEADLINE)])],
                    capture_output=True, text=True, timeout=120, check=False)
                (self.expect_deadline(finished, output) if way in SLOW else
                 self.expect_report(finished, output, way))
                self.assertLess(time.monotonic() - began, DEADLINE)
                self.show(way, began, output)

    @unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
    def test_microvms(self):
        """In a VM, where the workers have a control group: a worker without another limit is killed there."""
        environment = {"LAZARET_STATE": str(self.folder / "state")}
        os.makedirs(environment["LAZARET_STATE"])
        cache = state() / "cache"
        if cache.exists():  # the kernel's package, so that it is not downloaded again
            os.symlink(cache, os.path.join(environment["LAZARET_STATE"], "cache"))
        built = lazaret("image", "build", "--agent", BUILD / "tests" / "compromised-agent", environment=environment)
        self.assertEqual(built.returncode, 0, built.stderr)
        ways = (*WAYS, *SLOW, UNLIMITED) if os.environ.get("LAZARET_WORKERS") == "all" else (UNLIMITED,)
        for way in ways:
            with self.subTest(way):
                began = time.monotonic()
                finished, output = self.evaluate(f"vm-{way}", model=self.hostile_model(way), train=None,
                                                 isolation="microvm", environment=environment,
                                                 extra=["--policy", self.policy(60 if way in SLOW else 300)])
                if way == UNLIMITED:
                    forensics = self.expect_signed_failure(finished, output)
                    self.assertEqual(forensics["worker"]["failure"], "out-of-memory")
                    self.assertRegex(forensics["worker"]["text"],
                                     "the kernel killed the worker: out of memory, at its control group's [0-9]+ MiB")
                else:
                    (self.expect_deadline if way in SLOW else
                     lambda f, o, way=way: self.expect_report(f, o, way))(finished, output)
                self.show(way, began, output)


if __name__ == "__main__":
    main()
