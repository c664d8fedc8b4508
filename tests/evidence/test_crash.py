# SPDX-License-Identifier: Apache-2.0
"""kill -9 two hundred times, mostly while jobs sign and append: the ledger verifies, and results are whole or absent.

Two jobs at a time share one ledger. In each, the monitor, its whole process group, the signer or the ledger's appender
is killed a random moment after the journal names a step, mostly one of the last three. LAZARET_SEED repeats a run (its
choices, not the moments); LAZARET_KILLS makes it longer or shorter.
"""
import base64
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vm" / "evaluation"))
from lazaret import LAZARET, Case, evaluate_arguments, lazaret, main  # noqa: E402

TINY = """tier: low
isolation: [process]
minimumSamples: 1
ledger: {required: true}
checks:
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
"""
KILLS = int(os.environ.get("LAZARET_KILLS", "200"))
SEED = int(os.environ.get("LAZARET_SEED", "20261122"))
WORKERS = 2
STEPS = {"announce": 2, "boot": 1, "conversation": 1, "destroy": 1, "sign": 8, "append": 10, "commit": 2}
VICTIMS = {"group": 4, "monitor": 3, "appender": 4, "signer": 1}
NAMES = {"appender": "lazaret-ledger", "signer": "lazaret-signer"}
DELAY = 0.004  # seconds at most from a step's line to the signal
PATIENCE = 60


def weighted(generator, weights):
    return generator.choices(list(weights), list(weights.values()))[0]


def child_of(monitor, name):
    """The monitor's child of that name, or None."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == name \
                    and int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == monitor:
                return int(entry.name)
        except OSError:
            pass
    return None


def send_kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


class Worker(threading.Thread):
    """Runs its share of jobs, one after another, and kills something of each."""

    def __init__(self, case, number):
        super().__init__()
        self.case, self.number = case, number
        self.state = case.folder / f"state-{number}"
        self.random = random.Random(SEED + number)
        self.killed, self.wrong = {}, []

    def journal(self):
        try:
            return next((self.state / "jobs").glob("*.journal")).read_text()
        except (StopIteration, OSError):
            return ""

    def wait_for(self, monitor, step):
        """False where the job ended first."""
        end = time.monotonic() + PATIENCE
        while f"\n{step} " not in "\n" + self.journal():
            if monitor.poll() is not None or time.monotonic() > end:
                return False
            time.sleep(0.0005)
        return True

    def kill_one(self, index):
        step, victim = weighted(self.random, STEPS), weighted(self.random, VICTIMS)
        delay = self.random.uniform(0, DELAY)
        output = self.case.folder / f"out-{self.number}-{index}"
        monitor = subprocess.Popen(
            [str(LAZARET), *evaluate_arguments(output, self.case.key, train=None, extra=self.case.extra)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            env={**os.environ, "LAZARET_STATE": str(self.state)})
        met = self.wait_for(monitor, "staging")
        pid = child_of(monitor.pid, NAMES[victim]) if victim in NAMES else monitor.pid
        met = met and self.wait_for(monitor, step)
        time.sleep(delay)
        if pid is not None and monitor.poll() is None:
            if victim == "group":
                os.killpg(monitor.pid, signal.SIGKILL)
            else:
                met = send_kill(pid) and met
        else:
            met = False
        message = monitor.communicate(timeout=PATIENCE)[1].decode()
        self.judge(f"{step}, {victim}", output, monitor.returncode, message)
        if met:
            self.killed[(step, victim)] = self.killed.get((step, victim), 0) + 1

    def judge(self, what, output, status, message):
        """A job that says it succeeded has a result; one that failed by itself has none, and says why."""
        if status == 0 and not (output / "result.sigstore.json").exists():
            self.wrong.append(f"{what}: status 0 without a result")
        if status not in (0, 70, -signal.SIGKILL) or (status == 70 and "does not answer" not in message):
            self.wrong.append(f"{what}: status {status}: {message}")
        if status == 70 and output.exists():
            self.wrong.append(f"{what}: a result of a job that failed: {message}")

    def run(self):
        """Until enough kills have met a job at work; some jobs are quicker than the signal."""
        for index in range(KILLS):
            self.kill_one(index)
            if sum(self.killed.values()) >= KILLS // WORKERS:
                break


class Crash(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ledger = cls.folder / "log"
        made = lazaret("ledger", "init", cls.ledger, "--origin", "example.org/crash")
        cls.vkey = re.search(r"verifier key (\S+)", made.stdout).group(1)
        policy = cls.folder / "tiny.yaml"
        policy.write_text(TINY)
        cls.extra = ["--policy", policy, "--ledger", cls.ledger]

    def verify_ledger(self, since=None):
        verified = lazaret("ledger", "verify", self.ledger, "--key", self.vkey, *(["--since", since] if since else []))
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        return int(re.search(r"holds: (\d+) leaves", verified.stdout).group(1))

    def leaf(self, index):
        return lazaret("ledger", "show", self.ledger, index).stdout.strip()

    def watch_ledger(self, workers):
        """The ledger verifies while others append and die, and has always grown from what it was."""
        older, checks = self.folder / "older", 0
        while any(worker.is_alive() for worker in workers):
            seen = (self.ledger / "checkpoint").read_bytes()
            self.verify_ledger(older if older.exists() else None)
            older.write_bytes(seen)
            checks += 1
            time.sleep(1)
        return checks

    def check_result(self, output):
        """A whole result: it verifies, and its intent and its leaf are in the ledger."""
        verified = lazaret("verify", output, "--key", self.public)
        self.assertEqual(verified.returncode, 0, f"{output}: {verified.stdout}")
        bundle = json.loads((output / "result.sigstore.json").read_text())
        entry = bundle["verificationMaterial"]["tlogEntries"][0]
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        extension = statement["predicate"]["https://lazaret.dev/evaluation/v1"]
        self.assertEqual(self.leaf(entry["logIndex"]), base64.b64decode(entry["canonicalizedBody"]).decode())
        intent = json.loads(self.leaf(extension["ledger"]["intent"]))
        self.assertEqual((intent["kind"], intent["spec"]["job"]), ("lazaret-intent", extension["job"]))

    def test_kills(self):
        workers = [Worker(self, number) for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        checks = self.watch_ledger(workers)
        for worker in workers:
            worker.join()
        self.assertEqual([wrong for worker in workers for wrong in worker.wrong], [])
        for worker in workers:  # the next start of each undoes what the last kill may have left
            finished, _ = self.evaluate(f"last-{worker.number}", train=None, extra=self.extra,
                                        environment={"LAZARET_STATE": str(worker.state)})
            self.assertEqual(finished.returncode, 0, finished.stderr)
            self.assertEqual(list((worker.state / "jobs").iterdir()), [])
        self.assert_nothing_left()
        leaves = self.verify_ledger()
        whole = [output for output in self.folder.iterdir() if output.name.startswith(("out-", "last-"))]
        for output in whole:
            self.check_result(output)
        met = {}
        for worker in workers:
            for kill, count in worker.killed.items():
                met[kill] = met.get(kill, 0) + count
        print(f"seed {SEED}: {sum(met.values())} kills met a job at work; {len(whole)} whole results, "
              f"{leaves} leaves, {checks} checks of the ledger meanwhile")
        for step in STEPS:
            print(f"  {step}: " + ", ".join(f"{victim} {met.get((step, victim), 0)}" for victim in VICTIMS))
        self.assertEqual(sum(met.values()), KILLS // WORKERS * WORKERS)
        self.assertGreater(sum(count for (step, _), count in met.items() if step in ("sign", "append")), KILLS / 2)


if __name__ == "__main__":
    main()
