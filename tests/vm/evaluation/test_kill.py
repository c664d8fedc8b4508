# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the monitor in each phase: nothing of the job is left, and the next run works."""
import os
import pathlib
import signal
import subprocess
import time
import unittest

from lazaret import LAZARET, Case, evaluate_arguments, has_microvm, main

QUICK = """tier: low
arithmetic: mul-add
isolation: [microvm, process]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {deadlineSeconds: 600, memoryMiB: 256, modelMiB: 64}
report: {inputs: none}
checks:
  scan: {required: true}
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
  fgsm:
    required: true
    curves: [{norm: inf, eps: [0.01]}]
    thresholds: [{norm: inf, eps: 0.01, bound: point, robustAccuracy: 0.5}]
  activation-clustering:
    {required: false, components: 2, starts: 2, minimumClassSize: 20, alpha: 0.01, minimumEffect: 0.1,
     maximumTestShare: 0.1}
"""
PHASES = ["admit", "prepare", "boot", "handshake", "model", "check scan", "import", "check clean-accuracy",
          "check fgsm", "check activation-clustering", "destroy", "score", "sign"]


class Kill(Case):
    isolation = "process"

    def start(self, output):
        policy = self.folder / "quick.yaml"
        policy.write_text(QUICK)
        return subprocess.Popen([str(LAZARET), *evaluate_arguments(output, self.key, isolation=self.isolation,
                                                                   extra=["--policy", policy])],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def events(self):
        """What the job under way has written so far."""
        for hidden in self.folder.glob(".out-*"):
            try:
                return (hidden / "events.jsonl").read_text()
            except OSError:
                pass
        return ""

    def kill_in(self, phase):
        """True when the monitor was killed while it was in `phase`."""
        output = self.folder / f"out-{phase.replace(' ', '-')}"
        monitor = self.start(output)
        begin = f'{{"event":"begin","phase":"{phase}"'
        end = time.monotonic() + 120
        while begin not in self.events():
            if monitor.poll() is not None or time.monotonic() > end:
                break
        os.kill(monitor.pid, signal.SIGKILL) if monitor.poll() is None else None
        killed = monitor.wait() == -signal.SIGKILL
        self.assert_nothing_left()
        if killed:
            self.assertFalse(output.exists())
        return killed

    def test_every_phase(self):
        late = [phase for phase in PHASES if not self.kill_in(phase)]
        # The last phases are over in a millisecond or two: some may end before the signal comes.
        self.assertTrue(set(late) <= {"score", "sign", "destroy"}, late)
        finished, output = self.evaluate("after", isolation=self.isolation)
        self.assertIn(finished.returncode, (0, 2), finished.stderr)
        self.assertTrue((output / "result.sigstore.json").exists())

    def test_terminated(self):
        """SIGTERM and SIGINT leave as little."""
        for number in (signal.SIGTERM, signal.SIGINT):
            monitor = self.start(self.folder / f"out-signal-{number}")
            time.sleep(0.3)
            os.kill(monitor.pid, number)
            monitor.wait()
            self.assert_nothing_left()


@unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
class KillInAVm(Kill):
    isolation = "microvm"

    def test_sockets(self):
        """No UNIX socket of the job is left in the host's own namespace either."""
        before = pathlib.Path("/proc/net/unix").read_text().count("lazaret")
        self.assertTrue(self.kill_in("check fgsm"))
        self.assertEqual(pathlib.Path("/proc/net/unix").read_text().count("lazaret"), before)


if __name__ == "__main__":
    main()
