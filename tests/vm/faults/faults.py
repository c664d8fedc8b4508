# SPDX-License-Identifier: Apache-2.0
"""What the tests of faults share: a job that stops at a named point, its processes by their part, and the look afterwards."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parents[1] / "evaluation")]
from lazaret import BUILD, GONE_WITHIN, LAZARET, Case, evaluate_arguments, lazaret, state  # noqa: E402
from leftovers import Leftovers  # noqa: E402

GATE = BUILD / "tests" / "vm" / "faults" / "liblazaret-gate.so"
POLICY = """tier: low
arithmetic: mul-add
isolation: [microvm, process]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {{deadlineSeconds: {deadline}, memoryMiB: {memory}, modelMiB: 64}}
report: {{inputs: none}}
checks:
  scan: {{required: true}}
  clean-accuracy: {{required: true, bound: point, accuracy: 0.5}}
  fgsm:
    required: true
    curves: [{{norm: inf, eps: [0.01]}}]
    thresholds: [{{norm: inf, eps: 0.01, bound: point, robustAccuracy: 0.5}}]
"""
# In the order of a job. "step": the journal's line is synced, the step not taken; "phase": the events' line is written.
POINTS = ["made", "step staging", "phase admit", "step announce", "phase prepare", "step boot", "phase boot",
          "step conversation", "phase handshake", "phase model", "phase check scan", "phase import",
          "phase check clean-accuracy", "phase check fgsm", "step destroy", "phase destroy", "phase score",
          "phase sign", "step sign", "step append", "step commit", "renamed"]
STEPS = ["step staging", "step announce", "step boot", "step conversation", "step destroy", "step sign", "step append",
         "step commit"]
# A part, by the name of its process. QEMU's and the agent's are found by their programs.
PARTS = {"signer": "lazaret-signer", "appender": "lazaret-ledger", "data reader": "lazaret-data",
         "collector": "lazaret-collec", "supervisor": "lazaret-job", "controller": "lazaret-libvirt",
         "device": "lazaret-vsock", "janitor": "lazaret-janitor"}
PATIENCE = 1800.0 if os.environ.get("LAZARET_FAULTS") == "vm" else 150.0


def fields_of(pid):
    """Parent, name and whether it lives, of a process; None where it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name, rest = text.partition("(")[2].rpartition(")")[::2]
    state, parent = rest.split()[:2]
    return int(parent), name, state not in "ZX"


def descendants(pid):
    """Every living process below one, as pid: name."""
    table = {int(entry): fields_of(entry) for entry in os.listdir("/proc") if entry.isdigit()}
    found, below = {}, {pid}
    while below:
        below = {child for child, fields in table.items() if fields and fields[0] in below and child not in found}
        found.update({child: table[child][1] for child in below})
    return {child: name for child, name in found.items() if table[child][2]}


def program_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def default_signals():
    """Who started the test may ignore them (nohup, a shell's background)."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


SHARED_STATE = str(state())


class Job:
    """One evaluation, with the gate where a point is given. Its output gathers in `folder`."""

    def __init__(self, case, name, *, isolation="process", gate=None, jump=None, prefix=(), output=None, policy=None,
                 ledger=None, environment=None, streams=None, **options):
        self.case, self.output = case, pathlib.Path(output or case.folder / name)
        extra = ["--policy", policy or case.policy()]
        if ledger or (ledger is None and case.ledger):
            extra += ["--ledger", ledger or case.ledger]
        arguments = evaluate_arguments(self.output, case.key, train=None, isolation=isolation, extra=extra, **options)
        env = {**os.environ, **(environment or {})}
        if gate:
            env |= {"LAZARET_GATE": gate, "LD_PRELOAD": str(GATE)}
        if jump is not None:
            env["LAZARET_CLOCK"] = str(jump)
        self.said, self.errors = pathlib.Path(f"{case.folder}-said"), pathlib.Path(f"{case.folder}-errors")
        with open(self.said, "w") as said, open(self.errors, "w") as errors:
            started = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": errors, **(streams or {})}
            self.process = subprocess.Popen([*prefix, str(LAZARET), *arguments], env=env, preexec_fn=default_signals, **started)
        self.pid = self.process.pid

    def wait_at_gate(self):
        """True when the monitor has stopped itself there; False where the job ended without passing."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            # Without collecting it, which is for wait().
            state = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if state is not None:
                return state.si_code == os.CLD_STOPPED
            time.sleep(0.001)
        raise TimeoutError(f"{self.output}: neither at the gate nor at an end")

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    def part(self, name, patience=0.0):
        """The pid of a part, or None where the job has none just now."""
        end = time.monotonic() + patience
        while True:
            pid = self.find(name)
            if pid or time.monotonic() >= end or self.process.poll() is not None:
                return pid
            time.sleep(0.002)

    def find(self, name):
        if name == "monitor":
            return self.pid
        for pid, process in descendants(self.pid).items():
            if name == "QEMU" and process.startswith("qemu-system"):
                return pid
            if name in ("agent", "worker") and program_of(pid) == "/init":
                parent = fields_of(pid)
                if parent and (program_of(parent[0]) == "/init") == (name == "worker"):
                    return pid
            if PARTS.get(name) == process or (name == "collector" and process == "lazaret-collect"):
                return pid
        return None

    def wait(self, patience=PATIENCE):
        """The exit status, negative where a signal ended it."""
        try:
            return self.process.wait(patience)
        finally:
            if self.process.poll() is None:
                self.process.kill()

    def message(self):
        return self.errors.read_text()

    def words(self):
        return self.said.read_text()

    def reason(self):
        """Why there is no evaluation, from the signed result."""
        try:
            return json.loads((self.output / "execution.json").read_text()).get("failure", "")
        except OSError:
            return ""


class Table:
    """What was tried and what came of it, a line each: for people, and for docs/containment/faults.md."""

    def __init__(self):
        self.rows = {}

    def add(self, fault, where, outcome, seconds, left):
        row = self.rows.setdefault((fault, where, outcome), {"count": 0, "most": 0.0, "left": 0})
        row["count"] += 1
        row["most"] = max(row["most"], seconds)
        row["left"] += len(left)

    def print(self):
        print("fault | where | tried | outcome | seconds at most | left over")
        for (fault, where, outcome), row in self.rows.items():
            print(f"{fault} | {where} | {row['count']} | {outcome} | {row['most']:.2f} | {row['left']}")


class Faults(Case):
    """A key, a ledger and a state directory of the test's own."""
    deadline, memory, isolation = 60, 256, "process"

    @classmethod
    def setUpClass(cls):
        # Where no image is needed other tests' journals and locks stay out of sight.
        os.environ["LAZARET_STATE"] = "/run/lazaret" if cls.isolation == "process" else SHARED_STATE
        os.makedirs(os.environ["LAZARET_STATE"], exist_ok=True)
        super().setUpClass()
        cls.table = Table()
        cls.ledger = cls.folder / "log"
        made = lazaret("ledger", "init", cls.ledger, "--origin", "example.org/faults")
        cls.vkey = re.search(r"verifier key (\S+)", made.stdout).group(1)
        first = Job(cls, "first", isolation=cls.isolation)  # makes for good what a first job makes
        if first.wait() != 0:
            raise RuntimeError(first.message() + first.reason())
        cls.leaves = 2

    @classmethod
    def tearDownClass(cls):
        cls.table.print()
        super().tearDownClass()

    @classmethod
    def policy(cls, **changes):
        values = {"deadline": cls.deadline, "memory": cls.memory, **changes}
        path = cls.folder / ("policy-" + "-".join(map(str, values.values())) + ".yaml")
        path.write_text(POLICY.format(**values))
        return path

    def look(self):
        """Before a fault: what there is."""
        self.policy()
        return Leftovers(places=[self.folder])

    def judge(self, job, before, fault, where, allowed, began, expect=()):
        """
        Nothing is left but a whole result; the exit status and what was said are one of `allowed`, (status, pattern)
        pairs; what was announced is there.
        """
        status = job.wait()
        mine = [self.ledger, f"{self.folder}-errors", f"{self.folder}-said", job.output, *expect]
        left = before.compare(mine, settle=GONE_WITHIN)
        seconds = time.monotonic() - began
        said = job.message() + job.reason()
        self.table.add(fault, where, outcome_of(status), seconds, left)
        self.assertEqual(left, [], f"{fault} at {where}: {said}")
        self.assertTrue(any(status == wanted and re.search(pattern, said) for wanted, pattern in allowed),
                        f"{fault} at {where}: status {status}, not {allowed}: {said}")
        if status in (0, 1, 2, 3):
            self.assertTrue(job.output.exists(), f"{fault} at {where}: no result")
        if job.output.exists():
            # Killed after the last step, or with nobody to tell the verdict to: it is whole all the same.
            self.assertTrue(status in (0, 1, 2, 3, 69) or status < 0, f"{fault} at {where}: {said}")
            self.assert_whole(job.output)
        return status

    def assert_whole(self, output):
        """A result that was announced as written: it verifies, with its ledger's entry."""
        verified = lazaret("verify", output, "--key", self.public)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def verify_ledger(self):
        """How many leaves it holds; it never shrinks."""
        verified = lazaret("ledger", "verify", self.ledger, "--key", self.vkey)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        leaves = int(re.search(r"holds: (\d+) leaves", verified.stdout).group(1))
        self.assertGreaterEqual(leaves, self.leaves)
        type(self).leaves = leaves
        return leaves


def outcome_of(status):
    names = {0: "passed", 1: "rejected", 2: "needs review", 3: "could not evaluate", 64: "refused (64)",
             65: "bad input (65)", 66: "no such input (66)", 69: "unavailable (69)", 70: "internal (70)"}
    return f"killed by {signal.Signals(-status).name}" if status < 0 else names.get(status, str(status))
