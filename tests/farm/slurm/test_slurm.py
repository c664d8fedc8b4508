# SPDX-License-Identifier: Apache-2.0
"""A batch on a real Slurm: jobs on several nodes, nodes that die, nodes that lie, a controller that is killed, cancel."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "vm" / "evaluation"))
import cluster  # noqa: E402
import models  # noqa: E402
from lazaret import DIGITS, LAZARET, Case, has_microvm, lazaret, main  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
NODES = 3
JOBS = int(os.environ.get("LAZARET_SLURM_JOBS", "12"))
PATIENCE = 600  # seconds: for what must happen and may take long on a busy machine; nothing else is timed here
MISSING = cluster.missing()
# What a node hands in instead of its result, and why it is refused.
FORGERIES = {
    "wrong-key": "does not verify: signature", "old": "answers order", "another-job": "answers order",
    "another-node": "does not verify: signature", "unsigned": "result.sigstore.json", "truncated": "evaluation.json: not the bytes",
    "link": "evaluation.json: a symbolic link", "fifo": "evaluation.json: not a regular file",
    "huge": "evaluation.json: larger than", "owner": "belongs to user 12345", "hard-link": "has another name too",
    "many": "more than 64 files", "no-record": "record",
}


@unittest.skipIf(MISSING, MISSING)
class Slurm(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder.chmod(0o755)
        cls.shared = cls.folder / "shared"
        cls.shared.mkdir()
        cls.lies = cls.folder / "lies"  # what the nodes' program is to do; see liar.py
        cls.lies.mkdir()
        cls.keys = cls.folder / "keys"
        cls.keys.mkdir()
        ring = "keys:\n"
        for i in range(NODES):
            made = lazaret("keygen", "-o", cls.keys / f"n{i + 1}")
            if made.returncode != 0:
                raise RuntimeError(made.stderr)
            pem = (cls.keys / f"n{i + 1}.pub.pem").read_text()
            ring += f"  - name: n{i + 1}\n    use: [result, node]\n    publicKey: |\n"
            ring += "".join(f"      {line}\n" for line in pem.splitlines())
        cls.policy = cls.folder / "policy.yaml"
        cls.policy.write_text(models.POLICY + ring)
        cls.program = cls.folder / "node-program"
        cls.program.write_text(f"#!/bin/sh\nexec /usr/bin/python3 {HERE / 'liar.py'} {LAZARET} {cls.lies} {cls.keys} \"$@\"\n")
        cls.program.chmod(0o755)
        for part in ("aside", "asleep", "kept"):
            (cls.folder / part).mkdir()
        cls.cluster = cluster.Cluster(cls.folder / "slurm", NODES)

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop_all()
        super().tearDownClass()

    def run(self, result=None):
        """Whatever fails, what the programs said is printed."""
        result = self.defaultTestResult() if result is None else result
        before = len(result.failures) + len(result.errors)
        self.started = []  # (farm, process, file of its output)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(f"--- {self.id()} failed; what its programs said:\n{self.said()}", flush=True)
        return result

    def said(self):
        parts = []
        for farm, process, output in self.started:
            parts.append(f"batch {farm}, pid {process.pid}, status {process.returncode}:\n{output.read_text(errors='replace')}")
        for farm in dict.fromkeys(farm for farm, _, _ in self.started):
            parts += [json.dumps(event) for event in self.events(farm)[-40:]]
        for log in ("slurmctld.log", *(f"{name}.log" for name in self.cluster.names)):
            path = self.cluster.folder / log
            parts.append(f"{log}:\n{path.read_text(errors='replace')[-1500:] if path.exists() else ''}")
        return "\n".join(parts)

    def setUp(self):
        self.cluster.start_missing()
        self.cluster.ask("scontrol", "update", f"nodename=n[1-{NODES}]", "state=resume")
        self.cluster.wait_until_idle()
        for left in [*self.lies.iterdir(), *(self.folder / "asleep").iterdir()]:
            left.unlink()

    def tearDown(self):
        """Everything of this test's is ended and removed, and only then is it said what was left."""
        alive = [farm for farm, process, _ in self.started if not self.end(process)]
        left = self.cluster.cancel_all(patience=0 if alive else 60)
        shared = [path.name for path in self.shared.iterdir()]
        for path in self.shared.iterdir():
            shutil.rmtree(path, ignore_errors=True)
        for aside in (self.folder / "aside").iterdir():  # of tasks that were ended
            shutil.rmtree(aside, ignore_errors=True)
        self.assertEqual(alive, [], "batches that ran still")
        self.assertEqual(left, "", "left in Slurm")
        self.assertEqual(shared, [], "left in the shared directory")

    @staticmethod
    def end(process):
        """By its pid. Whether it had ended by itself."""
        if process.poll() is not None:
            return True
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return False

    # --- helpers -------------------------------------------------------------------------------------------------

    def write_list(self, name, count, **more):
        path = self.folder / f"{name}.jsonl"
        with open(path, "w") as file:
            for i in range(count):
                model = self.folder / f"{name}-{i}.onnx"
                model.write_bytes(models.variant(hash(name) % 1000 + i))
                file.write(json.dumps({"id": f"{name}-{i}", "model": str(model), **more}) + "\n")
        return path

    def options(self, name, share, isolation="process", program=None):
        return ["-o", self.folder / name, "--slurm", "--shared", self.shared, "--test", DIGITS / "test.npz",
                "--spec", DIGITS / "spec.yaml", "--policy", self.policy, "--isolation", isolation, "--recheck-share", share,
                "--node-key", self.keys / "%n.pem", "--node-program", program or LAZARET, "--quiet"]

    def start(self, name, path, share=0, more=(), **options):
        output = self.folder / f"{name}.{len(self.started)}.out"
        with open(output, "wb") as file:
            process = subprocess.Popen([str(LAZARET), "batch", str(path),
                                        *map(str, [*self.options(name, share, **options), *more])],
                                       stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.started.append((name, process, output))
        return process

    def output_of(self, batch):
        return next(output for _, process, output in self.started if process is batch).read_text(errors="replace")

    def wait(self, batch, status=0):
        """Its output, once it has ended so."""
        batch.wait(timeout=PATIENCE)
        output = self.output_of(batch)
        self.assertEqual(batch.returncode, status, output)
        return output

    def run_batch(self, name, path, status=0, **options):
        return self.wait(self.start(name, path, **options), status)

    def run_program(self, *arguments, status=0):
        """Any other command. What it said."""
        done = lazaret(*arguments)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, status, said)
        return said

    def events(self, name, kind=None):
        path = self.folder / name / "slurm.jsonl"
        events = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [event for event in events if kind is None or event["event"] == kind]

    def jobs(self, name):
        return {job["id"]: job for job in json.loads((self.folder / name / "summary.json").read_text())["jobs"]}

    def nodes(self, name):
        status = json.loads(self.run_program("status", self.folder / name, "--json"))
        return {node["name"]: node for node in status["slurm"]["nodes"]}

    def check_jobs(self, name, count, verdict="passed"):
        """Every job has ended once, by a result that a named node signed over that job's own order."""
        jobs = self.jobs(name)
        self.assertEqual(len(jobs), count)
        orders = set()
        for job in jobs.values():
            self.assertEqual(job.get("verdict"), verdict, job)
            result = self.folder / name / job["result"]
            self.run_program("verify", result, "--keys", self.ring())
            orders.add(json.loads(verified_statement(result))["predicate"]["https://lazaret.dev/evaluation/v1"]["order"])
        self.assertEqual(len(orders), count)
        return jobs

    def ring(self):
        path = self.folder / "ring.yaml"
        path.write_text(self.policy.read_text()[self.policy.read_text().index("keys:"):])
        return path

    def wait_until(self, holds, what):
        end = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), end, f"{what}: not within {PATIENCE} s")
            time.sleep(0.1)

    # --- tests ---------------------------------------------------------------------------------------------------

    def test_batch(self):
        """Jobs on all nodes, half of them confirmed by a second one; nothing is left."""
        self.run_batch("plain", self.write_list("plain", JOBS), share=50)
        self.check_jobs("plain", JOBS)
        nodes = self.nodes("plain")
        self.assertGreaterEqual(len(nodes), 2)
        self.assertEqual(sum(node["accepted"] for node in nodes.values()), JOBS)
        self.assertEqual(sum(node["confirmed"] for node in nodes.values()), len(self.events("plain", "rechecked")))
        for event in self.events("plain", "confirmed"):
            self.assertNotEqual(event["node"], event["text"])
        self.assertIn("trusted", self.run_program("status", self.folder / "plain"))

    def lie(self, **lies):
        for node, name in lies.items():
            (self.lies / node).write_text(name)

    def keep(self, name, farm):
        """A result that a node has signed as it should, for later."""
        shutil.copytree(next((self.folder / farm / "results").iterdir()), self.folder / "kept" / name)
        (self.folder / "kept" / f"{name}.node").write_text(self.events(farm, "accepted")[0]["node"])

    def test_forgeries(self):
        """Each is refused with its true reason, by the signature alone; the job is evaluated again and passes."""
        self.run_batch("early", self.write_list("early", 1))
        self.keep("old", "early")
        self.keep("another-job", "early")
        path = self.write_list("forged", len(FORGERIES))
        (self.folder / "forged-1.onnx").write_bytes((self.folder / "early-0.onnx").read_bytes())
        lies = dict(zip([f"forged-{i}" for i in range(len(FORGERIES))], FORGERIES))
        self.assertEqual(lies["forged-1"], "old")  # of the same model, so that only the order tells
        for job, name in lies.items():
            (self.lies / f"once-{job}").write_text(name)
        self.run_batch("forged", path, program=self.program)
        jobs = self.check_jobs("forged", len(FORGERIES))
        refused = {event["job"]: event["text"] for event in self.events("forged", "refused")}
        for job, name in lies.items():
            with self.subTest(name):
                self.assertIn(FORGERIES[name], refused.get(job, "not refused"))
                self.assertEqual(jobs[job]["attempts"], 2)
        self.assertNotIn("distrusted", str(self.events("forged")))  # whoever writes there may have put it there
        kept = [entry.name for entry in (self.folder / "forged" / "attempts").iterdir()]
        self.assertTrue(all(entry.endswith(".kept") for entry in kept), kept)

    def test_liar(self):
        """A node signs forged figures by its own key: the re-run finds them, a third node tells who lied, and every
        result of the liar's is evaluated again elsewhere."""
        early = self.write_list("liar", 6)
        self.lie(n1="after", n2="none", n3="after")  # who waits for "go", so that some are certainly n2's
        batch = self.start("liar", early, share=0, program=self.program)  # nobody is asked twice at first
        self.wait_until(lambda: self.events("liar", "accepted"), "an answer of n2")
        self.lie(go="")
        self.wait(batch)
        believed = {event["job"] for event in self.events("liar", "accepted") if event["node"] == "n2"}
        self.assertTrue(believed)
        self.lie(n1="slow", n2="figure", n3="slow")
        self.run_batch("liar", self.write_list("liar", JOBS), share=100, program=self.program)
        self.check_jobs("liar", JOBS)
        nodes = self.nodes("liar")
        self.assertEqual({name: node["standing"] for name, node in nodes.items()},
                         {"n1": "trusted", "n2": "distrusted", "n3": "trusted"}, self.events("liar"))
        self.assertRegex(nodes["n2"]["reason"], "its evaluation of job liar-[0-9]+ is neither that of node n[13]")
        taken_back = {event["job"] for event in self.events("liar", "taken-back")}
        self.assertLessEqual(believed, taken_back)
        for name in taken_back:  # and not by the liar again
            last = [event for event in self.events("liar") if event["job"] == name
                    and event["event"] in ("accepted", "confirmed")][-1]
            self.assertNotEqual(last["node"], "n2")
        self.assertIn("distrusted", self.run_program("status", self.folder / "liar"))

    def test_no_third(self):
        """Two nodes disagree and there is no third: neither is believed, and no job ends by either's word."""
        ring = self.ring().read_text()
        two = self.folder / "two.yaml"
        two.write_text(ring[:ring.index("  - name: n3")])
        self.lie(n2="figure")
        path = self.write_list("two", 2)
        self.run_batch("two", path, status=3, share=100, program=self.program, more=["--node-keys", two])
        self.assertEqual({node["standing"] for node in self.nodes("two").values()}, {"distrusted"})
        for job in self.jobs("two").values():
            self.assertEqual(job["state"], "aborted")
            self.assertIn("no trusted node is left", job["reason"])
        self.assertEqual(list((self.folder / "two" / "results").iterdir()), [])

    def test_node_dies(self):
        """A node loses its power in the midst, with the tasks it runs: its jobs end elsewhere, each once."""
        self.lie(n1="slow", n2="sleep", n3="slow")
        batch = self.start("dies", self.write_list("dies", JOBS), program=self.program)
        self.wait_until(lambda: any(entry.name.startswith("n2-") for entry in (self.folder / "asleep").iterdir()),
                        "a task on n2")
        self.cluster.stop("n2", kill=True)
        self.wait(batch)
        jobs = self.check_jobs("dies", JOBS)
        lost = {event["job"]: event["text"] for event in self.events("dies", "lost")}
        self.assertTrue(lost, self.events("dies"))
        for name, reason in lost.items():
            self.assertIn("Slurm ended its task without a result", reason)
            self.assertGreater(jobs[name]["attempts"], 1)
        self.assertGreater(self.nodes("dies")["n2"]["lost"], 0)

    def test_controller_dies(self):
        """kill -9 of the controller again and again: nothing is submitted twice, every job ends once."""
        self.lie(n1="slow", n2="slow", n3="slow")
        path = self.write_list("killed", JOBS)
        kills = 0
        batch = self.start("killed", path, share=30, program=self.program)
        while kills < 6:
            try:
                batch.wait(timeout=1.2)
                break
            except subprocess.TimeoutExpired:
                batch.kill()
                batch.wait()
                kills += 1
                batch = self.start("killed", path, share=30, program=self.program)
        self.wait(batch)
        self.assertGreater(kills, 0)
        jobs = self.check_jobs("killed", JOBS)
        seen = self.cluster.ask("squeue", "-h", "-r", "-t", "all", "-o", "%j|%K").split()
        farm = [line for line in seen if line.split("|")[0] in {e["text"] for e in self.events("killed", "submitted")}
                | {e["text"] for e in self.events("killed", "found-in-slurm")}]
        self.assertEqual(len(farm), len(set(farm)), "an array was submitted twice")
        print(f"{kills} kills; attempts {[job['attempts'] for job in jobs.values()]}")

    def make_ledger(self, name):
        said = self.run_program("ledger", "init", self.folder / name, "--origin", f"example.org/{name}")
        return self.folder / name, re.search(r"verifier key (\S+)", said).group(1)

    def ended(self, name):
        """How many jobs the farm's database knows to have ended."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / name}/farm.sqlite?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM jobs WHERE state > 1").fetchone()[0]

    def check_logged(self, name, count, ledger, key):
        """Each result has its own leaf, there is no other one, and the entry beside it holds."""
        jobs = self.check_jobs(name, count)
        self.run_program("ledger", "verify", ledger, "--key", key)
        indices = set()
        for job in jobs.values():
            result = self.folder / name / job["result"]
            said = self.run_program("verify", result, "--keys", self.ring(), "--ledger-key", key, "--require", "ledger")
            self.assertIn("example.org/", said)
            bundle = json.loads((result / "result.sigstore.json").read_text())
            indices |= {int(entry["logIndex"]) for entry in bundle["verificationMaterial"]["tlogEntries"]}
            self.assertNotIn("slurm.bundle", os.listdir(result))
        self.assertEqual(indices, set(range(count)))
        self.assertEqual(int((ledger / "checkpoint").read_text().splitlines()[1]), count)

    def test_ledger(self):
        """Results are logged once each, though the controller is killed as soon as it has appended one, and its appender
        at other times."""
        ledger, key = self.make_ledger("log")
        self.lie(n1="slow", n2="slow", n3="slow")
        path = self.write_list("logged", JOBS)
        options = {"share": 30, "program": self.program, "more": ["--ledger", ledger]}
        batch = self.start("logged", path, **options)
        between = kills = 0
        while kills < 6:
            size = (ledger / "checkpoint").stat().st_ino
            while batch.poll() is None and (ledger / "checkpoint").stat().st_ino == size:
                time.sleep(0.0005)
            if batch.poll() is not None:
                break
            if kills % 3 == 2:  # the appender alone: the controller starts another one
                cluster.kill_descendant(batch.pid, "lazaret-ledger")
            else:
                batch.kill()
                batch.wait()
                between += int((ledger / "checkpoint").read_text().splitlines()[1]) > self.ended("logged")
                batch = self.start("logged", path, **options)
            kills += 1
        self.wait(batch)
        self.check_logged("logged", JOBS, ledger, key)
        self.assertEqual(list((self.folder / "logged").glob("slurm.bundle")), [])
        print(f"{kills} kills, {between} of them between the ledger and the queue")

    def test_ledger_of_a_farm(self):
        """A farm's results are in one ledger; one that can't be written to loses nothing."""
        ledger, key = self.make_ledger("one")
        other, _ = self.make_ledger("other")
        path = self.write_list("kept", 2)
        moved = ledger.rename(self.folder / "moved")
        self.assertIn("one", self.run_batch("kept", path, status=66, more=["--ledger", ledger]))
        moved.rename(ledger)
        (ledger / "checkpoint").rename(ledger / "aside")
        self.assertIn("damaged", self.run_batch("kept", path, status=69, more=["--ledger", ledger]))
        (ledger / "aside").rename(ledger / "checkpoint")
        self.run_batch("kept", path, more=["--ledger", ledger])
        self.check_logged("kept", 2, ledger, key)
        for more in ([], ["--ledger", other]):
            self.assertIn("logged in the ledger example.org/one", self.run_batch("kept", path, status=64, more=more))
        self.assertIn("--ledger", self.run_batch("kept", path, status=64, more=["--ledger-key", self.key]))

    def test_submitted_and_not_told(self):
        """The controller dies after sbatch and before Slurm's number is written: the array is found by its name."""
        self.lie(n1="slow", n2="slow", n3="slow")
        path = self.write_list("untold", 4)
        bin_folder = self.folder / "bin"
        bin_folder.mkdir()
        real = shutil.which("sbatch")
        (bin_folder / "sbatch").write_text(f"#!/bin/sh\n{real} \"$@\" && kill -9 $PPID\n")
        (bin_folder / "sbatch").chmod(0o755)
        before = os.environ["PATH"]
        os.environ["PATH"] = f"{bin_folder}:{before}"
        try:
            self.run_batch("untold", path, status=-signal.SIGKILL, program=self.program)
        finally:
            os.environ["PATH"] = before
        self.run_batch("untold", path, program=self.program)
        jobs = self.check_jobs("untold", 4)
        self.assertEqual([job["attempts"] for job in jobs.values()], [1] * 4)
        self.assertEqual(len(self.events("untold", "found-in-slurm")), 1)
        self.assertEqual(self.events("untold", "submitted"), [])

    def test_cancel_and_detach(self):
        """SIGTERM leaves Slurm's jobs to the next controller; `lazaret cancel` ends those that run there."""
        self.lie(n1="sleep", n2="sleep", n3="sleep")
        path = self.write_list("canceled", 4)
        batch = self.start("canceled", path, program=self.program)
        self.wait_until(lambda: len(self.cluster.ask("squeue", "-h", "-r", "-t", "R").splitlines()) >= 3, "running tasks")
        batch.send_signal(signal.SIGTERM)
        self.assertIn("stopped", self.wait(batch, status=3))
        self.assertGreaterEqual(len(self.cluster.ask("squeue", "-h", "-r").splitlines()), 4)
        for i in range(4):
            self.assertIn("canceled", self.run_program("cancel", self.folder / "canceled", f"canceled-{i}"))
        self.run_batch("canceled", path, status=3, program=self.program)
        self.assertEqual({(job["state"], job["reason"]) for job in self.jobs("canceled").values()},
                         {("aborted", "canceled")})

    def test_gpus(self):
        """A job that asks for a GPU has one of Slurm's, by its PCI address: of two on a node with one, the second waits.
        Here there is none at that address, and every evaluation says so; a node whom Slurm gives another is passed by."""
        if not has_microvm():
            self.skipTest("no microVM here, and so no GPU for one")
        gpus = self.folder / "gpus.conf"
        gpus.write_text("# all nodes are alike\n*  0000:ff:1f.7\n")
        self.lie(n1="slow", n2="slow", n3="slow", **{"once-gpus-0": "gpu-7", "once-gpus-1": "no-gpu"})
        path = self.write_list("gpus", 6, gpu=True)
        batch = self.start("gpus", path, program=self.program, isolation="microvm", more=["--node-gpus", gpus])
        while batch.poll() is None:
            running = self.cluster.ask("squeue", "-h", "-r", "-t", "R", "-o", "%N").split()
            self.assertEqual(len(running), len(set(running)), running)
            time.sleep(0.3)
        self.wait(batch, status=3)
        # Slurm forgets none of them for MinJobAge.
        asked = {line.split("|")[1] for line in self.cluster.ask("squeue", "-h", "-r", "-t", "all", "-o", "%j|%b").split()
                 if line.split("|")[0] in {event["text"] for event in self.events("gpus", "submitted")}}
        self.assertTrue(asked and all(re.search("gpu:1$", gres) for gres in asked), asked)
        for job in self.check_jobs("gpus", 6, "could-not-evaluate").values():
            self.assertIn("0000:ff:1f.7", job["reason"])
        lost = {event["job"]: event["text"] for event in self.events("gpus", "lost")}
        self.assertIn("Slurm gave GPU 7, and --node-gpus names 1 of this node", lost.get("gpus-0", ""))
        self.assertIn("SLURM_JOB_GPUS is not set", lost.get("gpus-1", ""))

    def test_gpus_refused(self):
        """Without the addresses of GPUs, or with others than Slurm has, nothing is submitted."""
        path = self.write_list("no-gpus", 1, gpu=True)
        gpus = self.folder / "no-gpus.conf"
        options = self.options("no-gpus", 0, isolation="microvm")

        def refused(text, more, status):
            gpus.write_text(text)
            return self.run_program("batch", path, *options, *more, status=status)
        refused("", [], 3)
        self.assertIn("name the nodes' GPUs by their PCI addresses", self.jobs("no-gpus")["no-gpus-0"]["reason"])
        more = ["--node-gpus", gpus]
        self.assertIn("no-gpus.conf: line 2: a GPU's PCI address expected", refused("n1 01:00.0\nn2 gpu0\n", more, 65))
        for text in ("n1 01:00.0 02:00.0\n", "elsewhere 01:00.0\n"):
            refused(text, more, 3)
            self.assertIn("no trusted node has any, and as many in", self.jobs("no-gpus")["no-gpus-0"]["reason"])
        self.assertIn("microVM", self.run_program("batch", path, *self.options("no-gpus", 0), *more, status=64))
        self.assertEqual(self.events("no-gpus", "submitted"), [])

    def test_refusals(self):
        """What can't go with Slurm is said before anything is submitted."""
        path = self.write_list("no", 1)
        options = list(map(str, self.options("no", 5)))
        for more, said in ((["--key", self.key], "--key"), (["--gpu", "0000:01:00.0"], "--gpu"),
                           (["--partition", "a b"], "--partition")):
            self.assertIn(said, self.run_program("batch", path, *options, *more, status=64))
        self.run_program("batch", path, "-o", self.folder / "no", "--test", "x", "--recheck-share", "7", status=64)
        plain = self.folder / "plain.yaml"
        plain.write_text(models.POLICY)
        arguments = [str(plain) if argument == str(self.policy) else argument for argument in options]
        self.run_program("batch", path, *arguments, status=3)
        self.assertIn("names no key with use: [node]", self.jobs("no")["no-0"]["reason"])
        plain.write_text(self.policy.read_text() + "ledger: {required: true}\n")
        self.run_program("batch", path, *arguments, status=3)
        self.assertIn("requires that each job is announced in a ledger", self.jobs("no")["no-0"]["reason"])
        self.assertIn("batch --slurm", self.run_program("worker", self.folder / "no", status=66))
        large = self.folder / "large.jsonl"
        large.write_text(json.dumps({"id": "large", "model": str(DIGITS / "clean.onnx"), "memory": 100000}) + "\n")
        self.run_program("batch", large, *map(str, self.options("large", 0, isolation="microvm")), status=3)
        self.assertIn("never fits a node", self.jobs("large")["large"]["reason"])

    def test_farm_is_shared(self):
        """Without --shared the nodes see the farm's own folder."""
        options = list(map(str, self.options("here", 5)))
        index = options.index("--shared")
        self.run_program("batch", self.write_list("here", 1), *options[:index], *options[index + 2:], "--workers", "1")
        self.check_jobs("here", 1)

    def test_microvm(self):
        if not has_microvm():
            self.skipTest("no microVM here")
        self.run_batch("vm", self.write_list("vm", 1), isolation="microvm")
        result = self.folder / "vm" / self.check_jobs("vm", 1)["vm-0"]["result"]
        self.assertEqual(json.loads((result / "execution.json").read_text())["isolation"], "microvm")

    @unittest.skipUnless(os.environ.get("LAZARET_FARM_VMS") and has_microvm(), "LAZARET_FARM_VMS=1 boots two VMs")
    def test_out_of_memory(self):
        """A node's guest whose memory is too small says so, signed: its job is ordered once more with twice as much."""
        self.policy.write_text(self.policy.read_text().replace("192", "128").replace("0.5", "0.01"))
        self.addCleanup(self.policy.write_text, self.policy.read_text().replace("128", "192").replace("0.01", "0.5"))
        model = self.folder / "hungry.onnx"
        model.write_bytes(models.hungry())
        path = self.folder / "hungry.jsonl"
        path.write_text(json.dumps({"id": "hungry-0", "model": str(model)}) + "\n")
        self.run_batch("hungry", path, status=2, isolation="microvm")
        self.assertEqual(self.check_jobs("hungry", 1, "needs-review")["hungry-0"]["attempts"], 2)
        self.assertIn("once more, with 352 MiB: hungry.onnx: out-of-memory", self.events("hungry", "lost")[0]["text"])
        self.assertEqual({node["lost"] for node in self.nodes("hungry").values()}, {0})


def verified_statement(result):
    import base64
    bundle = json.loads((result / "result.sigstore.json").read_text())
    return base64.b64decode(bundle["dsseEnvelope"]["payload"])


if __name__ == "__main__":
    main()
