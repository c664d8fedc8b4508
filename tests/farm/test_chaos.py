# SPDX-License-Identifier: Apache-2.0
"""A batch in which workers, the controller, evaluations and VMs are killed at random: every job ends exactly once.

Jobs are real digits variants, a backdoored model, malicious files and broken ones, over two workers and one ledger.
LAZARET_FARM_JOBS makes it longer (200 for the long form), LAZARET_FARM_ISOLATION=microvm has each job in a VM,
LAZARET_SEED repeats the choices.
"""
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vm" / "evaluation"))
import models  # noqa: E402
from lazaret import DIGITS, LAZARET, Case, lazaret, main, state  # noqa: E402

JOBS = int(os.environ.get("LAZARET_FARM_JOBS", "40"))
ISOLATION = os.environ.get("LAZARET_FARM_ISOLATION", "process")
SEED = int(os.environ.get("LAZARET_SEED", "7"))
PAUSE = (0.05, 0.6) if ISOLATION == "process" else (1.0, 9.0)  # seconds between kills
VICTIMS = {"controller": 1, "lazaret-worker": 3, "evaluation": 4, "guest": 3, "lazaret-signer": 1, "lazaret-ledger": 1}
KILLS_A_JOB = 4  # of its attempts: one less than a farm makes
EXIT = {"rejected": 1, "could-not-evaluate": 3, "needs-review": 2, "passed": 0}


def processes():
    """{pid: (name, arguments, parent)} of what runs in this test's PID namespace."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                found[int(entry.name)] = ((entry / "comm").read_text().strip(),
                                          (entry / "cmdline").read_bytes().split(b"\0"), int(fields[1]))
        except OSError:
            pass
    return found


def is_victim(victim, pid, table, controller):
    name, arguments, parent = table[pid]
    if victim == "controller":
        return pid == controller
    if victim == "evaluation":
        return b"evaluate" in arguments[:2] and name == "lazaret"
    if victim == "guest":
        # The agent itself: a check's worker that is killed looks like one that ran out of memory, which is a result.
        return name.startswith("qemu-system") or (
            arguments[0] == b"/init" and table.get(parent, ("", [b""], 0))[1][0] != b"/init")
    return name == victim


def job_of(pid, table):
    """The id of the job that a process has a part in; None for workers and the controller."""
    while pid in table:
        _, arguments, parent = table[pid]
        if b"evaluate" in arguments[:2] and b"-o" in arguments:
            return pathlib.Path(arguments[arguments.index(b"-o") + 1].decode()).name.rsplit(".", 1)[0]
        pid = parent
    return None


class Chaos(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if ISOLATION == "process":  # which needs no image: no journal in a state directory of its own is another test's
            os.environ["LAZARET_STATE"] = str(cls.folder / "state")
        cls.folder.joinpath("models").mkdir()
        cls.jobs = models.make(cls.folder / "models", JOBS, SEED)
        cls.policy = cls.folder / "policy.yaml"
        cls.policy.write_text(models.POLICY)
        cls.list = cls.folder / "jobs.jsonl"
        cls.list.write_text("".join(json.dumps({"id": name, "model": str(path)}) + "\n" for name, path, _ in cls.jobs))
        made = lazaret("ledger", "init", cls.folder / "log", "--origin", "example.org/farm")
        cls.vkey = re.search(r"verifier key (\S+)", made.stdout).group(1)
        cls.farm = cls.folder / "farm"

    def start(self):
        return subprocess.Popen(
            [str(LAZARET), "batch", str(self.list), "-o", str(self.farm), "--workers", "2", "--key", str(self.key),
             "--test", str(DIGITS / "test.npz"), "--spec", str(DIGITS / "spec.yaml"), "--policy", str(self.policy),
             "--ledger", str(self.folder / "log"), "--isolation", ISOLATION, "--quiet"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def kill_one(self, batch, generator, killed, met):
        """Kills one process of a kind chosen at random; a job's own attempts are met so often that it must survive."""
        victim = generator.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        table = processes()
        candidates = [pid for pid in table if is_victim(victim, pid, table, batch.pid)
                      and met.get(job_of(pid, table), 0) < KILLS_A_JOB]
        if not candidates:
            return
        pid = generator.choice(candidates)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        killed[victim] = killed.get(victim, 0) + 1
        job = job_of(pid, table)
        if job is not None:
            met[job] = met.get(job, 0) + 1

    def kill_at_random(self, batch, generator, killed):
        """Until the batch ends by itself; a killed controller is started again, as its user would."""
        met = {}
        while True:
            try:
                output = batch.communicate(timeout=generator.uniform(*PAUSE))
                if batch.returncode != -signal.SIGKILL:
                    return batch.returncode, output
                batch = self.start()
            except subprocess.TimeoutExpired:
                if sum(killed.values()) < JOBS:  # after that the rest ends in peace
                    self.kill_one(batch, generator, killed, met)

    def test_every_job_ends_once(self):
        generator, killed = random.Random(SEED), {}
        begun = time.monotonic()
        status, output = self.kill_at_random(self.start(), generator, killed)
        print(f"seed {SEED}: {JOBS} jobs, {ISOLATION}, {time.monotonic() - begun:.0f} s, kills: {killed}")
        summary = json.loads((self.farm / "summary.json").read_text())
        jobs = {job["id"]: job for job in summary["jobs"]}
        self.assertEqual(sorted(jobs), sorted(name for name, _, _ in self.jobs), output)
        for name, _, verdicts in self.jobs:
            self.assertIn(jobs[name].get("verdict"), verdicts, f"{name}: {jobs[name]}; status {status}: {output}")
            self.check_result(jobs[name])
        print(f"reused: {summary['reused']}; attempts: {sum(job['attempts'] for job in jobs.values())}")
        self.assertEqual(status, EXIT[summary["verdict"]], output)
        self.check_ledger(jobs)
        self.check_leftovers()

    def check_result(self, job):
        folder = self.farm / job["result"]
        verified = lazaret("verify", folder, "--key", self.farm / "key.pub.pem")
        self.assertEqual(verified.returncode, 0, f"{job}: {verified.stdout}")

    def check_ledger(self, jobs):
        verified = lazaret("ledger", "verify", self.folder / "log", "--key", self.vkey)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        logged = set()
        for job in jobs.values():
            if "verdict" in job and "reused" not in job:
                bundle = json.loads((self.farm / job["result"] / "result.sigstore.json").read_text())
                logged.add(bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"])
        own = [job for job in jobs.values() if "verdict" in job and "reused" not in job]
        self.assertEqual(len(logged), len(own), "two jobs with one leaf")

    def check_leftovers(self):
        self.assert_nothing_left()
        # The last kill may have met a job whose journal the next start of its kind removes.
        finished, _ = self.evaluate("last", train=None, extra=["--policy", self.policy])
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertEqual(list((state() / "jobs").glob("*.journal")) if (state() / "jobs").exists() else [], [])
        again = self.start()  # nothing is left to do, but to forget a worker that was killed with no job in hand
        again.communicate(timeout=120)
        self.assertEqual(list((self.farm / "workers").iterdir()), [])
        for part in ("results", "attempts"):
            self.assertEqual([path for path in (self.farm / part).iterdir() if path.name.startswith(".")], [])


if __name__ == "__main__":
    main()
