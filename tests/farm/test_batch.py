# SPDX-License-Identifier: Apache-2.0
"""Lists of jobs good and bad, through the whole of `lazaret batch`, worker, status and cancel."""
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vm" / "evaluation"))
import models  # noqa: E402
from lazaret import DIGITS, LAZARET, Case, has_microvm, lazaret, main  # noqa: E402


class Batch(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls.folder / "policy.yaml"
        cls.policy.write_text(models.POLICY)
        (cls.folder / "clean.onnx").write_bytes((DIGITS / "clean.onnx").read_bytes())
        (cls.folder / "evil.pkl").write_bytes(models.pickle.dumps(models.Runs("id")))
        (cls.folder / "short.onnx").write_bytes((DIGITS / "clean.onnx").read_bytes()[:900])
        for index in range(6):
            (cls.folder / f"v{index}.onnx").write_bytes(models.variant(index))

    def options(self, farm, workers=2):
        return ["-o", str(farm), "--workers", str(workers), "--key", str(self.key), "--test", str(DIGITS / "test.npz"),
                "--spec", str(DIGITS / "spec.yaml"), "--policy", str(self.policy), "--isolation", "process"]

    def write_list(self, name, lines):
        path = self.folder / f"{name}.jsonl"
        path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return path

    def batch(self, name, lines, *extra, farm=None, environment=None):
        path = self.write_list(name, lines)
        return lazaret("batch", path, *self.options(farm or self.folder / name), *extra, environment=environment)

    def jobs_of(self, name):
        summary = json.loads((self.folder / name / "summary.json").read_text())
        return summary, {job["id"]: job for job in summary["jobs"]}

    def test_good_and_bad(self):
        finished = self.batch("mixed", [
            {"id": "a", "model": "clean.onnx"}, {"id": "evil", "model": "evil.pkl"}, {"id": "short", "model": "short.onnx"},
            {"id": "gone", "model": "gone.onnx"}, {"id": "twin", "model": "clean.onnx"}, "{no json",
            {"id": "a", "model": "clean.onnx"}, {"id": "../up", "model": "clean.onnx"}, {"id": "x", "modell": "y"}, "",
            "x" * 9000, {"id": "spec", "model": "clean.onnx", "spec": "gone.yaml"}])
        summary, jobs = self.jobs_of("mixed")
        self.assertEqual(finished.returncode, 1, finished.stderr)
        for line in (6, 7, 8, 9, 11):
            self.assertIn(f"line {line}", finished.stderr)
        self.assertNotIn("line 10", finished.stderr)  # an empty line is no line
        self.assertEqual((summary["badLineCount"], summary["verdict"]), (5, "rejected"))
        self.assertEqual({name: job["state"] for name, job in jobs.items()},
                         {"a": "done", "twin": "done", "evil": "rejected", "short": "could-not-evaluate",
                          "gone": "aborted", "spec": "aborted"})
        self.assertIn("gone.onnx", jobs["gone"]["reason"])
        self.assertEqual(summary["reused"], 1)  # a and twin are one content
        page = (self.folder / "mixed" / "index.html").read_text()
        self.assertIn("results/evil/report.html", page)
        self.assertTrue((self.folder / "mixed" / "results" / "evil" / "report.html").exists())
        self.assertIn('lazaret_farm_jobs{state="aborted"} 2', (self.folder / "mixed" / "farm.prom").read_text())
        self.assert_nothing_left()

    def test_goes_on_and_adds(self):
        lines = [{"id": f"v{i}", "model": f"v{i}.onnx"} for i in range(3)]
        self.assertEqual(self.batch("more", lines).returncode, 0)
        first = (self.folder / "more" / "results" / "v0" / "result.sigstore.json").stat().st_mtime_ns
        again = self.batch("more", [*lines, {"id": "v3", "model": "v3.onnx"}])
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("1 jobs added, 3 there already", again.stdout)
        self.assertEqual(first, (self.folder / "more" / "results" / "v0" / "result.sigstore.json").stat().st_mtime_ns)
        renamed = self.batch("more", [{"id": "other", "model": "v0.onnx"}])
        self.assertEqual(renamed.returncode, 0)
        self.assertEqual(self.jobs_of("more")[1]["other"]["reused"], "v0")
        forced = self.batch("more", [{"id": "forced", "model": "v0.onnx"}], "--force")
        self.assertEqual(forced.returncode, 0)
        self.assertNotIn("reused", self.jobs_of("more")[1]["forced"])

    def test_reuse_verifies(self):
        """A result that was tampered with is nobody's: the second job is evaluated."""
        self.assertEqual(self.batch("tampered", [{"id": "a", "model": "v4.onnx"}]).returncode, 0)
        path = self.folder / "tampered" / "results" / "a" / "evaluation.json"
        path.write_bytes(path.read_bytes() + b" ")
        self.assertEqual(self.batch("tampered", [{"id": "b", "model": "v4.onnx"}]).returncode, 0)
        self.assertNotIn("reused", self.jobs_of("tampered")[1]["b"])

    def test_results_without_their_queue(self):
        """A lost database: results that are there are taken for jobs that they answer, and for no others."""
        self.assertEqual(self.batch("lost", [{"id": "a", "model": "v5.onnx"}]).returncode, 0)
        for path in (self.folder / "lost").glob("farm.sqlite*"):
            path.unlink()
        before = (self.folder / "lost" / "results" / "a" / "result.sigstore.json").stat().st_mtime_ns
        self.assertEqual(self.batch("lost", [{"id": "a", "model": "v5.onnx"}]).returncode, 0)
        self.assertEqual(before, (self.folder / "lost" / "results" / "a" / "result.sigstore.json").stat().st_mtime_ns)
        for path in (self.folder / "lost").glob("farm.sqlite*"):
            path.unlink()
        (self.folder / "strict.yaml").write_text(models.POLICY.replace("0.5", "0.9999"))
        other = self.batch("lost", [{"id": "a", "model": "v5.onnx", "policy": "strict.yaml"}])
        self.assertEqual(other.returncode, 3)
        self.assertIn("policy.yaml", self.jobs_of("lost")[1]["a"]["reason"])

    def test_changed_policy_is_other_content(self):
        (self.folder / "own.yaml").write_text(models.POLICY)
        line = {"model": "v5.onnx", "policy": "own.yaml"}
        self.assertEqual(self.batch("content", [{"id": "a", **line}]).returncode, 0)
        (self.folder / "own.yaml").write_text(models.POLICY.replace("0.5", "0.9999"))
        self.assertEqual(self.batch("content", [{"id": "b", **line}]).returncode, 1)
        self.assertNotIn("reused", self.jobs_of("content")[1]["b"])

    def test_long_names(self):
        """A reason that is cut in the middle of a character would be no JSON."""
        name = "ü" * 120
        finished = self.batch("long", [{"id": "a", "model": f"{name}/{name}/{name}.onnx"}])
        self.assertEqual(finished.returncode, 3, finished.stderr)
        self.assertIn("ü", self.jobs_of("long")[1]["a"]["reason"])

    def test_encrypted_key(self):
        """Nobody is there to be asked at each job: it is said before anything is made."""
        secret = self.folder / "secret"
        secret.write_text("a long secret\n")
        secret.chmod(0o600)
        made = lazaret("keygen", "-o", self.folder / "locked", "--passphrase-file", secret)
        self.assertEqual(made.returncode, 0, made.stderr)
        options = self.options(self.folder / "locked-farm")
        options[options.index(str(self.key))] = str(self.folder / "locked.pem")
        path = self.write_list("locked", [{"id": "a", "model": "v0.onnx"}])
        refused = lazaret("batch", path, *options)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("passphrase", refused.stderr)
        self.assertEqual(lazaret("batch", path, *options, "--passphrase-file", secret).returncode, 0)

    def test_priorities(self):
        lines = [{"id": f"v{i}", "model": f"v{i}.onnx", "priority": i} for i in range(4)]
        self.assertEqual(lazaret("batch", self.write_list("order", lines), *self.options(self.folder / "order", 1)).returncode, 0)
        with sqlite3.connect(self.folder / "order" / "farm.sqlite") as database:
            done = [row[0] for row in database.execute("SELECT id FROM jobs ORDER BY finished, rowid DESC")]
        logs = {name: (self.folder / "order" / "logs" / f"{name}.log").stat().st_mtime_ns for name in done}
        self.assertEqual(sorted(logs, key=logs.get), ["v3", "v2", "v1", "v0"])

    def test_never_fits(self):
        finished = self.batch("large", [{"id": "a", "model": "v0.onnx"}], "--memory-of-all", "20")
        self.assertEqual(finished.returncode, 3)
        self.assertIn("of 20 MiB", self.jobs_of("large")[1]["a"]["reason"])

    def options_of_vms(self, farm):
        options = self.options(farm, workers=1)
        options[options.index("process")] = "microvm"
        return options

    def test_large_model(self):
        """A guest that evaluate would refuse for its model's size is admitted with what that needs, and no less."""
        with open(self.folder / "large.onnx", "wb") as file:
            file.truncate(100 << 20)
        farm = self.folder / "size"
        path = self.write_list("size", [{"id": "a", "model": "large.onnx"}, {"id": "b", "model": "large.onnx", "memory": 400}])
        finished = lazaret("batch", path, *self.options_of_vms(farm), "--memory-of-all", "450")
        self.assertEqual(finished.returncode, 3, finished.stderr)
        jobs = self.jobs_of("size")[1]
        self.assertIn("it needs 608 MiB", jobs["a"]["reason"])  # 96 + 4 * 100 + 16, and 96 for the machine
        self.assertIn("it needs 496 MiB", jobs["b"]["reason"])

    @unittest.skipUnless(os.environ.get("LAZARET_FARM_VMS") and has_microvm(), "LAZARET_FARM_VMS=1 boots five VMs")
    def test_out_of_memory(self):
        """A guest whose memory is too small says so: its job is tried once more with twice as much, and jobs of the same
        model begin with that; not beyond the farm's memory."""
        (self.folder / "hungry.onnx").write_bytes(models.hungry())
        for index, samples in enumerate((1, 2)):
            (self.folder / f"hungry-{index}.yaml").write_text(
                models.POLICY.replace("192", "128").replace("0.5", "0.01").replace("Samples: 1", f"Samples: {samples}"))
        lines = [{"id": f"h{i}", "model": "hungry.onnx", "policy": f"hungry-{i}.yaml"} for i in range(2)]
        path = self.write_list("hungry", lines)
        finished = lazaret("batch", path, *self.options_of_vms(self.folder / "hungry"), timeout=1200)
        jobs = self.jobs_of("hungry")[1]
        self.assertEqual(finished.returncode, 2, (finished.stderr, jobs))  # 9% right is near chance
        self.assertEqual([(job["verdict"], job["attempts"]) for job in jobs.values()],
                         [("needs-review", 2), ("needs-review", 1)])
        kept = [entry.name for entry in (self.folder / "hungry" / "attempts").iterdir()]
        self.assertEqual([name.split(".")[0] for name in kept], ["h0"])  # what the first guest said is evidence
        finished = lazaret("batch", path, *self.options_of_vms(self.folder / "narrow"), "--memory-of-all", "300", timeout=1200)
        jobs = self.jobs_of("narrow")[1]
        self.assertEqual(finished.returncode, 3, (finished.stderr, jobs))
        for job in jobs.values():
            self.assertEqual((job["verdict"], job["attempts"]), ("could-not-evaluate", 1))
            self.assertIn("out-of-memory: the model needs 66 MiB besides its weights", job["reason"])

    def test_worker_status_cancel(self):
        """A service that waits for jobs, takes what is added, and ends in order at SIGTERM."""
        farm = self.folder / "service"
        added = self.batch("service", [{"id": "a", "model": "v0.onnx"}], "--add")
        self.assertEqual(added.returncode, 0, added.stderr)
        self.assertEqual(json.loads(lazaret("status", farm, "--json").stdout)["counts"]["queued"], 1)
        with subprocess.Popen([str(LAZARET), "worker", str(farm)], stdout=subprocess.DEVNULL) as worker:
            self.wait_until(farm, lambda counts: counts["done"] == 1)
            self.batch("service2", [{"id": "b", "model": "v1.onnx"}], "--add", farm=farm)
            self.wait_until(farm, lambda counts: counts["done"] == 2)
            worker.send_signal(signal.SIGTERM)
            self.assertEqual(worker.wait(timeout=30), 0)
        self.batch("service3", [{"id": "c", "model": "v2.onnx"}], "--add", farm=farm)
        self.assertIn("c: canceled", lazaret("cancel", farm, "c").stdout)
        self.assertIn("a: has ended already", lazaret("cancel", farm, "a").stdout)
        self.assertEqual(lazaret("cancel", farm, "absent").returncode, 66)
        self.assertIn("1 aborted", lazaret("status", farm).stdout)
        self.batch("service3", [{"id": "c", "model": "v2.onnx"}], "--add", farm=farm)
        self.assertIn("1 aborted", lazaret("status", farm).stdout)  # what was canceled stays so
        self.assert_nothing_left()

    def wait_until(self, farm, holds):
        end = time.monotonic() + 120
        while not holds(json.loads(lazaret("status", farm, "--json").stdout)["counts"]):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)

    def test_drains(self):
        """SIGTERM lets the job at hand end; the same command goes on with the rest."""
        lines = [{"id": f"v{i}", "model": f"v{i}.onnx"} for i in range(6)]
        path = self.write_list("drain", lines)
        with subprocess.Popen([str(LAZARET), "batch", str(path), *self.options(self.folder / "drain", 1)],
                              stdout=subprocess.PIPE, text=True) as batch:
            self.wait_until_there(self.folder / "drain" / "results", 1)
            batch.send_signal(signal.SIGTERM)
            output = batch.communicate(timeout=120)[0]
        self.assertEqual(batch.returncode, 3, output)
        self.assertIn("stopped", output)
        states = [job["state"] for job in self.jobs_of("drain")[1].values()]
        self.assertNotIn("running", states)
        self.assertIn("queued", states)
        self.assertEqual(lazaret("batch", path, *self.options(self.folder / "drain")).returncode, 0)

    def workers_of(self, controller):
        """The workers' process ids."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                name, fields = (entry / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            except OSError:
                continue
            if name == "lazaret-worker" and int(fields.split()[1]) == controller:
                found.append(int(entry.name))
        return found

    def kill_workers(self, batch, count):
        """Each as soon as it is there; how many there were until the batch ended."""
        killed, end = 0, time.monotonic() + 120
        while killed < count and batch.poll() is None:
            self.assertLess(time.monotonic(), end)
            for pid in self.workers_of(batch.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                killed += 1
            time.sleep(0.001)
        return killed

    def test_killed_workers(self):
        """Whoever kills workers as they begin only keeps them from their jobs for a while; who never ends is told of."""
        path, farm = self.write_list("killed", [{"id": "a", "model": "v0.onnx"}]), self.folder / "killed"
        # The second farm has no job left: one would be given up after twenty dead workers, and the farm be done.
        for command, count, status, said in [(["batch", path, *self.options(farm, 1)], 12, 0, ""),
                                             (["worker", farm], 1000, 69, "workers are killed as soon as they begin")]:
            with self.subTest(command=command[0]), subprocess.Popen(
                    [str(LAZARET), *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as farmer:
                self.kill_workers(farmer, count)
                told = farmer.communicate(timeout=120)[1]
                self.assertEqual(farmer.returncode, status, told)
                self.assertIn(said, told)
        self.assert_nothing_left()

    def wait_until_there(self, folder, count):
        end = time.monotonic() + 120
        while not folder.exists() or len(list(folder.iterdir())) < count:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_places_that_are_none(self):
        jobs = self.write_list("places", [{"id": "a", "model": "v0.onnx"}])
        self.assertEqual(lazaret("batch", jobs, *self.options(self.folder / "no" / "parent")).returncode, 66)
        self.assertEqual(lazaret("batch", self.folder / "no.jsonl", *self.options(self.folder / "places")).returncode, 66)
        (self.folder / "file").write_text("")
        self.assertIn(lazaret("batch", jobs, *self.options(self.folder / "file")).returncode, (66, 69))
        self.assertEqual(lazaret("status", self.folder).returncode, 66)
        self.assertEqual(lazaret("batch", jobs).returncode, 64)

    def test_another_key(self):
        self.assertEqual(self.batch("keys", [{"id": "a", "model": "v0.onnx"}]).returncode, 0)
        lazaret("keygen", "-o", self.folder / "other")
        options = self.options(self.folder / "keys")
        options[options.index(str(self.key))] = str(self.folder / "other.pem")
        refused = lazaret("batch", self.write_list("keys2", [{"id": "b", "model": "v1.onnx"}]), *options)
        self.assertEqual(refused.returncode, 64)
        self.assertIn("another key", refused.stderr)

    def test_newer_database(self):
        self.assertEqual(self.batch("newer", [{"id": "a", "model": "v0.onnx"}]).returncode, 0)
        with sqlite3.connect(self.folder / "newer" / "farm.sqlite") as database:
            database.execute("PRAGMA user_version=77")
        for arguments in (("status", self.folder / "newer"), ("worker", self.folder / "newer")):
            refused = lazaret(*arguments)
            self.assertEqual(refused.returncode, 65)
            self.assertIn("newer Lazaret", refused.stderr)

    def test_full_disk(self):
        """A farm on a small disk: what was acknowledged is there, and with room the same command ends the rest."""
        if os.geteuid() != 0:
            self.skipTest("mounting a small disk needs root")
        disk = self.folder / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", disk], check=True)
        try:
            lines = [{"id": f"v{i}", "model": f"v{i}.onnx"} for i in range(6)]
            filler = disk / "filler"
            path = self.write_list("full", lines)
            self.assertEqual(lazaret("batch", path, *self.options(disk / "farm", 1), "--add").returncode, 0)
            with open(filler, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 65536)
                except OSError:
                    pass
                file.truncate(max(0, file.tell() - 65536))
            finished = lazaret("batch", path, *self.options(disk / "farm", 1))
            self.assertIn(finished.returncode, (3, 69), finished.stderr)
            filler.unlink()
            finished = lazaret("batch", path, *self.options(disk / "farm", 1))
            self.assertEqual(finished.returncode, 0, finished.stderr)
            summary = json.loads((disk / "farm" / "summary.json").read_text())
            for job in summary["jobs"]:
                self.assertEqual(job["state"], "done")
                verified = lazaret("verify", disk / "farm" / job["result"], "--key", self.public)
                self.assertEqual(verified.returncode, 0, verified.stdout)
        finally:
            subprocess.run(["umount", disk], check=True)


if __name__ == "__main__":
    main()
