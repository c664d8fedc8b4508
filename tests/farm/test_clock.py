# SPDX-License-Identifier: Apache-2.0
"""A clock that jumps, years ahead and back, while a farm works: every job ends once, and no lease is lost or kept by it."""
import json
import os
import pathlib
import sqlite3
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vm" / "evaluation"))
import models  # noqa: E402
from lazaret import BUILD, DIGITS, LAZARET, Case, lazaret, main  # noqa: E402

LIBRARY = BUILD / "tests" / "farm" / "lazaret-clock.so"
DAY = 86400
JUMPS = (3650 * DAY, -3650 * DAY, 3600, -3600, 61, 0)
JOBS = 24


class Clock(Case):
    def move(self, seconds):
        with open(self.clock, "r+b") as file:
            file.write(struct.pack("=q", seconds))

    def wait_for_a_result(self, batch, results):
        """One more than there are, or the end: so each jump has a job that ends under it, however fast the machine is."""
        before = len(list(results.glob("*")))
        while batch.poll() is None and len(list(results.glob("*"))) == before:
            time.sleep(0.005)

    def test_jumps(self):
        self.clock = self.folder / "clock"
        self.clock.write_bytes(struct.pack("=q", 0))
        policy = self.folder / "policy.yaml"
        policy.write_text(models.POLICY)
        lines = []
        for index in range(JOBS):
            (self.folder / f"v{index}.onnx").write_bytes(models.variant(index))
            lines.append(json.dumps({"id": f"v{index}", "model": f"v{index}.onnx"}) + "\n")
        jobs = self.folder / "jobs.jsonl"
        jobs.write_text("".join(lines))
        farm = self.folder / "farm"
        environment = dict(os.environ, LD_PRELOAD=str(LIBRARY), LAZARET_CLOCK_FILE=str(self.clock))
        with subprocess.Popen([str(LAZARET), "batch", str(jobs), "-o", str(farm), "--workers", "2", "--key", str(self.key),
                               "--test", str(DIGITS / "test.npz"), "--spec", str(DIGITS / "spec.yaml"), "--policy",
                               str(policy), "--isolation", "process"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, env=environment) as batch:
            seen = 0
            while batch.poll() is None:
                self.move(JUMPS[seen % len(JUMPS)])
                seen += 1
                self.wait_for_a_result(batch, farm / "results")
                shown = subprocess.run([str(LAZARET), "status", str(farm)], env=environment, capture_output=True, text=True)
                self.assertNotRegex(shown.stdout, r"(?<![\w.-])-\d")  # no figure goes below zero
            output = batch.stdout.read()
        self.assertGreaterEqual(seen, len(JUMPS), "the farm was done before the clock had jumped")
        self.assertEqual(batch.returncode, 0, output)
        with sqlite3.connect(farm / "farm.sqlite") as database:
            spread, = database.execute("SELECT max(finished) - min(finished) FROM jobs").fetchone()
        self.assertGreater(spread, DAY, "the clock that the farm saw did not jump")
        summary = json.loads((farm / "summary.json").read_text())
        self.assertEqual({job["id"]: (job["state"], job["verdict"]) for job in summary["jobs"]},
                         {f"v{index}": ("done", "passed") for index in range(JOBS)})
        for job in summary["jobs"]:
            self.assertNotIn("not heard of", job["reason"])
        for path in (farm / "results").iterdir():
            self.assertEqual(lazaret("verify", path, "--key", self.public).returncode, 0)
        self.assert_nothing_left()


if __name__ == "__main__":
    main()
