# SPDX-License-Identifier: Apache-2.0
"""
kill -9 and SIGSTOP of each part at each step: nothing left, nothing lost, and the true reason.

The monitor stops itself at the point (gate.c), its part is killed there, and the monitor goes on; so a fault meets its step,
however short that is. The short form, for CI, takes the journal's steps; LAZARET_FAULTS=long takes every phase as well, and the
long waits; LAZARET_FAULTS=vm the same parts in microVMs.
"""
import contextlib
import os
import signal
import time
import unittest

from faults import POINTS, STEPS, Faults, Job, descendants
from lazaret import GONE_WITHIN, has_microvm, lazaret, main

FORM = os.environ.get("LAZARET_FAULTS", "short")
LONG = FORM == "long"
WHERE = POINTS if LONG else ["made", *STEPS, "phase model", "phase check fgsm", "renamed"]
OK = (0, "")


def upto(point, last):
    return POINTS.index(point) <= POINTS.index(last)


def expected(part, point):
    """What a job may come to when this part is killed there: its status and what is said of it."""
    if part == "monitor":
        return [(-signal.SIGKILL, "^$")]
    if part == "janitor":
        return [OK]  # the monitor does its work
    if part == "signer":
        return [(70, "the signer does not answer")] if upto(point, "step sign") else [OK]
    if part == "appender":
        return [(70, "the ledger's appender does not answer")] if upto(point, "step append") else [OK]
    if part == "data reader":
        return [(70, "data reader died of signal 9")] if upto(point, "phase score") else [OK]
    if not upto(point, "phase check fgsm"):
        return [OK]  # all that the guest had to say is here
    if part == "collector":
        return [(3, "the collector was killed by signal 9")]
    early = upto(point, "phase boot")
    if part == "supervisor":
        return [(70, "the VM's supervisor did not start it")] if early else [(3, "the VM's supervisor died")]
    if part == "controller":
        return [(70, "the libvirt controller died")] if early else [OK]  # the VM goes on without it
    names = {"agent": "the agent was killed", "QEMU": "QEMU was killed", "device": "the vsock device was killed"}
    return [(3, f"{names[part]} by signal 9")] + ([(70, "libvirt: can't start the domain")] if early else [])


def is_running(pid):
    """A process that has not ended; one that waits to be collected has."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Parts(Faults):
    deadline = 300

    def fault(self, part, point, number=signal.SIGKILL, allowed=None, patience=0.0, **options):
        """False where the job has no such part there."""
        before = self.look()
        job = Job(self, f"{part}-{point}-{number.name}".replace(" ", "-"), gate=point, isolation=self.isolation, **options)
        self.assertTrue(job.wait_at_gate(), f"{point}: never there: {job.message()}{job.reason()}")
        # On a busy machine a process is known by its name a moment after its fork.
        pid = job.part(part, 2.0 if part == "supervisor" and point == "step boot" else 0.0)
        if pid is None and patience:
            job.go_on()
            pid = job.part(part, patience)
        if pid is None:
            job.go_on()
            job.wait()
            before.compare(settle=GONE_WITHIN)
            return False
        began = time.monotonic()
        os.kill(pid, number)
        if part != "monitor":
            job.go_on()
        self.judge(job, before, f"{number.name} of the {part}", point, allowed or expected(part, point), began)
        return True

    def kill_everywhere(self, part, where, at_least):
        met = 0
        for point in where:
            with self.subTest(part=part, point=point):
                met += self.fault(part, point)
        self.assertGreaterEqual(met, at_least, f"the {part} was met too seldom")
        self.verify_ledger()


@unittest.skipUnless(os.geteuid() == 0, "needs root")
@unittest.skipIf(FORM == "vm", "microVMs only")
class Processes(Parts):
    def test_monitor(self):
        self.kill_everywhere("monitor", WHERE, len(WHERE))

    def test_signer(self):
        self.kill_everywhere("signer", WHERE, len(WHERE))

    def test_appender(self):
        self.kill_everywhere("appender", WHERE, len(WHERE))

    def test_data_reader(self):
        self.kill_everywhere("data reader", WHERE, len(WHERE) - 3)

    def test_janitor(self):
        self.kill_everywhere("janitor", WHERE, len(WHERE))

    def test_supervisor(self):
        self.kill_everywhere("supervisor", [point for point in WHERE if POINTS.index(point) > 4], 5)

    def test_collector_and_agent(self):
        talk = [point for point in WHERE if upto("step conversation", point) and upto(point, "step destroy")]
        self.kill_everywhere("collector", talk, 2)
        self.kill_everywhere("agent", talk, 3)

    def test_worker(self):
        """A check's own process, killed from outside: a crash that the agent reports."""
        self.fault("worker", "phase check fgsm", allowed=[(3, "signal 9"), (3, "worker")], patience=20)

    def test_everything(self):
        """As after a power cut: the state directory as it was. The next start undoes it."""
        for point in WHERE:
            with self.subTest(point):
                before = self.look()
                job = Job(self, f"all-{point}".replace(" ", "-"), gate=point)
                self.assertTrue(job.wait_at_gate(), point)
                began = time.monotonic()
                pids = [*descendants(job.pid), job.pid]
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):  # it went with the one before
                        os.kill(pid, signal.SIGKILL)
                job.wait()
                while any(map(is_running, pids)):  # one that still ends holds its job's lock, and a power cut spares none
                    time.sleep(0.005)
                # It fails at once, for want of a model; the reaper has been there before.
                again = lazaret("evaluate", self.folder / "no-model", "--test", self.folder / "no-set", "--key", self.key,
                                "-o", self.folder / "never", "--policy", self.policy())
                self.assertEqual(again.returncode, 66, again.stderr)
                self.judge(job, before, "SIGKILL of everything, and a next start", point, expected("monitor", point), began)
        self.verify_ledger()


@unittest.skipUnless(os.geteuid() == 0, "needs root")
@unittest.skipIf(FORM == "vm", "microVMs only")
class Stopped(Parts):
    """A part that does nothing any more: the monitor ends the job within its deadline, and says so."""
    deadline = 3

    def stop(self, part, point, allowed, patience=0.0, **options):
        with self.subTest(part=part, point=point):
            self.assertTrue(self.fault(part, point, signal.SIGSTOP, allowed, patience, **options))

    def test_conversation(self):
        silent = "kept silent beyond the deadline"
        self.stop("agent", "phase model", [(3, f"the guest {silent}|can't send .* to the guest: Connection timed out")])
        self.stop("collector", "phase model", [(3, "the collector had not read")])
        self.stop("data reader", "phase check fgsm", [(3, f"the data reader {silent}")])
        self.stop("supervisor", "phase model", [OK])  # the guest answers; the supervisor is killed in the end
        self.stop("janitor", "phase model", [OK])

    def test_worker(self):
        self.stop("worker", "phase check fgsm", [(3, "the guest kept silent beyond the deadline")], patience=20)

    def test_admission(self):
        """The data reader before anything else: it stops while it reads, or on a slow machine once it has read."""
        late = (3, "the data reader kept silent beyond the deadline")
        self.stop("data reader", "phase admit", [(69, "was not read within its time limit"), late, OK], patience=20)

    def test_monitor(self):
        """The monitor itself: it goes on when it is let, and the deadline has passed meanwhile."""
        before = self.look()
        job = Job(self, "monitor-stopped", gate="phase check fgsm")
        self.assertTrue(job.wait_at_gate())
        began = time.monotonic()
        time.sleep(self.deadline + 0.5)
        job.go_on()
        self.judge(job, before, "SIGSTOP of the monitor", "phase check fgsm", [(3, "deadline|timed out"), OK], began)

    @unittest.skipUnless(LONG, "waits for minutes: LAZARET_FAULTS=long")
    def test_long_waits(self):
        self.stop("signer", "step staging", [(70, "the signer does not answer: Connection timed out")])
        self.stop("signer", "step sign", [(70, "the signer does not answer: Connection timed out")])
        self.stop("appender", "step announce", [(70, "appender does not answer: Connection timed out")])
        self.stop("appender", "step append", [(70, "appender does not answer: Connection timed out")])
        self.stop("supervisor", "step boot", [(70, "did not start it: no answer in time")])
        self.stop("supervisor", "step destroy", [OK])


@unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
@unittest.skipUnless(FORM == "vm", "microVMs: LAZARET_FAULTS=vm")
class MicroVMs(Parts):
    isolation = "microvm"
    deadline = 600

    def test_kills(self):
        inside = ("QEMU", "device", "controller", "supervisor")
        cases = [(part, point) for point in ("step boot", "phase check fgsm", "step destroy") for part in inside]
        cases += [("monitor", "step boot"), ("monitor", "phase model"), ("collector", "phase model"), ("signer", "step sign")]
        for part, point in cases:
            with self.subTest(part=part, point=point):
                # What is started only after the step was taken is killed as soon as it is there.
                self.assertTrue(self.fault(part, point, patience=60 if part in inside and point == "step boot" else 0))
        self.verify_ledger()

    def test_stops(self):
        quick = self.policy(deadline=240)  # a busy machine boots for minutes without KVM
        silent = [(3, "deadline|timed out|did not answer")]
        for part in ("QEMU", "device"):
            with self.subTest(part):
                self.assertTrue(self.fault(part, "phase check fgsm", signal.SIGSTOP, silent, policy=quick))
        for part in ("controller", "supervisor"):
            with self.subTest(part):
                self.assertTrue(self.fault(part, "phase check fgsm", signal.SIGSTOP, [OK], policy=quick))
                self.assertTrue(self.fault(part, "step boot", signal.SIGSTOP, [OK, (70, "no answer in time")], patience=60))


if __name__ == "__main__":
    main()
