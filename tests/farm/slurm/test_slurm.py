# SPDX-License-Identifier: Apache-2.0
"""A batch on a real Slurm: jobs on several nodes, nodes that die, nodes that lie, a controller that is killed, cancel."""
import json
import os
import pathlib
import re
import shutil
import signal
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

    def setUp(self):
        for name in self.cluster.names:
            if name not in self.cluster.processes:
                self.cluster.start_node(name)
        self.cluster.ask("scontrol", "update", f"nodename=n[1-{NODES}]", "state=resume")
        self.cluster.wait_until_idle()
        for left in [*self.lies.iterdir(), *(self.folder / "asleep").iterdir()]:
            left.unlink()

    def tearDown(self):
        self.assertEqual(self.cluster.ask("squeue", "-h", "-t", "PD,R,CG"), "", "left in Slurm")
        self.assertEqual([path.name for path in self.shared.iterdir()], [], "left in the shared directory")

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

    def start(self, name, path, share=0, **options):
        return subprocess.Popen([str(LAZARET), "batch", str(path), *map(str, self.options(name, share, **options))],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run_batch(self, name, path, share=0, timeout=240, **options):
        batch = self.start(name, path, share, **options)
        try:
            output = batch.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            print(lazaret("status", self.folder / name).stdout, self.cluster.ask("squeue"), self.events(name)[-20:])
            batch.kill()
            batch.communicate()
            raise
        return batch.returncode, output

    def events(self, name, kind=None):
        path = self.folder / name / "slurm.jsonl"
        events = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [event for event in events if kind is None or event["event"] == kind]

    def jobs(self, name):
        return {job["id"]: job for job in json.loads((self.folder / name / "summary.json").read_text())["jobs"]}

    def nodes(self, name):
        status = json.loads(lazaret("status", self.folder / name, "--json").stdout)
        return {node["name"]: node for node in status["slurm"]["nodes"]}

    def check_jobs(self, name, count, verdict="passed"):
        """Every job has ended once, by a result that a named node signed over that job's own order."""
        jobs = self.jobs(name)
        self.assertEqual(len(jobs), count)
        orders = set()
        for job in jobs.values():
            self.assertEqual(job.get("verdict"), verdict, job)
            result = self.folder / name / job["result"]
            verified = lazaret("verify", result, "--keys", self.ring())
            self.assertEqual(verified.returncode, 0, verified.stdout)
            orders.add(json.loads(verified_statement(result))["predicate"]["https://lazaret.dev/evaluation/v1"]["order"])
        self.assertEqual(len(orders), count)
        return jobs

    def ring(self):
        path = self.folder / "ring.yaml"
        path.write_text(self.policy.read_text()[self.policy.read_text().index("keys:"):])
        return path

    def wait_until(self, holds, seconds=150):
        end = time.monotonic() + seconds
        while not holds():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)

    # --- tests ---------------------------------------------------------------------------------------------------

    def test_batch(self):
        """Jobs on all nodes, half of them confirmed by a second one; nothing is left."""
        status, output = self.run_batch("plain", self.write_list("plain", JOBS), share=50)
        self.assertEqual(status, 0, output)
        self.check_jobs("plain", JOBS)
        nodes = self.nodes("plain")
        self.assertGreaterEqual(len(nodes), 2)
        self.assertEqual(sum(node["accepted"] for node in nodes.values()), JOBS)
        self.assertEqual(sum(node["confirmed"] for node in nodes.values()), len(self.events("plain", "rechecked")))
        for event in self.events("plain", "confirmed"):
            self.assertNotEqual(event["node"], event["text"])
        self.assertIn("trusted", lazaret("status", self.folder / "plain").stdout)

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
        status, output = self.run_batch("forged", path, program=self.program)
        self.assertEqual(status, 0, output)
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
        self.lie(n1="slow", n2="none", n3="slow")
        path = self.write_list("liar", JOBS)
        batch = self.start("liar", path, share=0, program=self.program)  # nobody is asked twice at first
        self.wait_until(lambda: any(event["node"] == "n2" for event in self.events("liar", "accepted")))
        batch.send_signal(signal.SIGTERM)
        batch.communicate(timeout=60)
        believed = {event["job"] for event in self.events("liar", "accepted") if event["node"] == "n2"}
        self.lie(n2="figure")
        status, output = self.run_batch("liar", path, share=100, program=self.program)
        self.assertEqual(status, 0, (output, self.events("liar")))
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
        self.assertIn("distrusted", lazaret("status", self.folder / "liar").stdout)

    def test_no_third(self):
        """Two nodes disagree and there is no third: neither is believed, and no job ends by either's word."""
        ring = self.ring().read_text()
        two = self.folder / "two.yaml"
        two.write_text(ring[:ring.index("  - name: n3")])
        self.lie(n2="figure")
        path = self.write_list("two", 2)
        batch = subprocess.run(
            [str(LAZARET), "batch", str(path), *map(str, self.options("two", 100, program=self.program)),
             "--node-keys", str(two)], capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(batch.returncode, 3, batch.stderr)
        self.assertEqual({node["standing"] for node in self.nodes("two").values()}, {"distrusted"})
        for job in self.jobs("two").values():
            self.assertEqual(job["state"], "aborted")
            self.assertIn("no trusted node is left", job["reason"])
        self.assertEqual(list((self.folder / "two" / "results").iterdir()), [])

    def test_node_dies(self):
        """A node loses its power in the midst, with the tasks it runs: its jobs end elsewhere, each once."""
        self.lie(n1="slow", n2="sleep", n3="slow")
        batch = self.start("dies", self.write_list("dies", JOBS), program=self.program)
        self.wait_until(lambda: any(entry.name.startswith("n2-") for entry in (self.folder / "asleep").iterdir()))
        self.cluster.stop("n2", kill=True)
        self.assertEqual(batch.wait(timeout=200), 0, self.events("dies")[-20:])
        batch.stdout.close()
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
        while True:
            try:
                batch.communicate(timeout=1.2 if kills < 6 else 200)
                break
            except subprocess.TimeoutExpired:
                batch.kill()
                batch.communicate()
                kills += 1
                batch = self.start("killed", path, share=30, program=self.program)
        self.assertEqual(batch.returncode, 0)
        self.assertGreater(kills, 2)
        jobs = self.check_jobs("killed", JOBS)
        seen = self.cluster.ask("squeue", "-h", "-r", "-t", "all", "-o", "%j|%K").split()
        farm = [line for line in seen if line.split("|")[0] in {e["text"] for e in self.events("killed", "submitted")}
                | {e["text"] for e in self.events("killed", "found-in-slurm")}]
        self.assertEqual(len(farm), len(set(farm)), "an array was submitted twice")
        print(f"{kills} kills; attempts {[job['attempts'] for job in jobs.values()]}")

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
            batch = self.start("untold", path, program=self.program)
            batch.communicate(timeout=60)
        finally:
            os.environ["PATH"] = before
        self.assertEqual(batch.returncode, -signal.SIGKILL)
        self.assertEqual(self.run_batch("untold", path, program=self.program)[0], 0)
        jobs = self.check_jobs("untold", 4)
        self.assertEqual([job["attempts"] for job in jobs.values()], [1] * 4)
        self.assertEqual(len(self.events("untold", "found-in-slurm")), 1)
        self.assertEqual(self.events("untold", "submitted"), [])

    def test_cancel_and_detach(self):
        """SIGTERM leaves Slurm's jobs to the next controller; `lazaret cancel` ends those that run there."""
        self.lie(n1="sleep", n2="sleep", n3="sleep")
        path = self.write_list("canceled", 4)
        batch = self.start("canceled", path, program=self.program)
        self.wait_until(lambda: len(self.cluster.ask("squeue", "-h", "-r", "-t", "R").splitlines()) >= 3)
        batch.send_signal(signal.SIGTERM)
        output = batch.communicate(timeout=60)[0]
        self.assertIn("stopped", output)
        self.assertGreaterEqual(len(self.cluster.ask("squeue", "-h", "-r").splitlines()), 4)
        for i in range(4):
            self.assertIn("canceled", lazaret("cancel", self.folder / "canceled", f"canceled-{i}").stdout)
        status, output = self.run_batch("canceled", path, program=self.program)
        self.assertEqual(status, 3, output)
        self.assertEqual({(job["state"], job["reason"]) for job in self.jobs("canceled").values()},
                         {("aborted", "canceled")})
        self.wait_until(lambda: self.cluster.ask("squeue", "-h", "-t", "PD,R,CG") == "")

    def test_gpus(self):
        """A job that asks for a GPU is given one of Slurm's: of two on a node with one, the second waits."""
        self.lie(n1="slow", n2="slow", n3="slow")
        batch = self.start("gpus", self.write_list("gpus", 6, gpu=True), program=self.program)
        asked, at_once = set(), 0
        while batch.poll() is None:
            running = [line.split("|") for line in
                       self.cluster.ask("squeue", "-h", "-r", "-t", "R", "-o", "%N|%b").split()]
            asked |= {gres for _, gres in running}
            at_once = max(at_once, len(running))
            self.assertEqual(len(running), len({node for node, _ in running}), running)
            time.sleep(0.3)
        self.assertEqual(batch.wait(), 0)
        batch.stdout.close()
        self.assertTrue(asked and all(re.search("gpu:1$", gres) for gres in asked), asked)
        self.assertLessEqual(at_once, NODES)
        self.check_jobs("gpus", 6)

    def test_refusals(self):
        """What can't go with Slurm is said before anything is submitted."""
        path = self.write_list("no", 1)
        options = list(map(str, self.options("no", 5)))
        for more, status, said in ((["--key", str(self.key)], 64, "--key"), (["--ledger", "log"], 64, "--ledger"),
                                   (["--gpu", "0000:01:00.0"], 64, "--gpu"), (["--partition", "a b"], 64, "--partition")):
            refused = lazaret("batch", path, *options, *more)
            self.assertEqual((refused.returncode, said in refused.stderr), (status, True), refused.stderr)
        here = list(map(str, self.options("here", 5)))
        index = here.index("--shared")
        done = lazaret("batch", path, *here[:index], *here[index + 2:], "--workers", "1")  # nodes see the farm itself
        self.assertEqual(done.returncode, 0, (done.stdout, self.jobs("here"), self.events("here")))
        refused = lazaret("batch", path, "-o", self.folder / "no", "--test", "x", "--recheck-share", "7")
        self.assertEqual(refused.returncode, 64)
        status, _ = self.run_batch("low", path, program=self.program)
        self.assertEqual(status, 0)
        plain = self.folder / "plain.yaml"
        plain.write_text(models.POLICY)
        arguments = [str(plain) if argument == str(self.policy) else argument for argument in options]
        refused = lazaret("batch", path, *arguments)
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn("names no key with use: [node]", self.jobs("no")["no-0"]["reason"])
        worker = lazaret("worker", self.folder / "no")
        self.assertEqual((worker.returncode, "batch --slurm" in worker.stderr), (66, True), worker.stderr)
        large = self.folder / "large.jsonl"
        large.write_text(json.dumps({"id": "large", "model": str(DIGITS / "clean.onnx"), "memory": 100000}) + "\n")
        arguments = list(map(str, self.options("large", 0, isolation="microvm")))
        self.assertEqual(lazaret("batch", large, *arguments).returncode, 3)
        self.assertIn("never fits a node", self.jobs("large")["large"]["reason"])

    def test_microvm(self):
        if not has_microvm():
            self.skipTest("no microVM here")
        status, output = self.run_batch("vm", self.write_list("vm", 1), isolation="microvm", share=0)
        self.assertEqual(status, 0, (output, self.jobs("vm")))
        result = self.folder / "vm" / self.check_jobs("vm", 1)["vm-0"]["result"]
        self.assertEqual(json.loads((result / "execution.json").read_text())["isolation"], "microvm")


def verified_statement(result):
    import base64
    bundle = json.loads((result / "result.sigstore.json").read_text())
    return base64.b64decode(bundle["dsseEnvelope"]["payload"])


if __name__ == "__main__":
    main()
