#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The farm: two workers against one, what a job costs beyond its boot and its checks, and a queue of 100,000 jobs.

Usage: bench_farm.py LAZARET [ROUNDS [JOBS [LONG_QUEUE]]]. Alternating rounds of JOBS CPU-bound digits jobs by process
isolation; medians. LAZARET_FARM_ISOLATION=microvm boots a VM a job. Prints both sides and the ratio of each:
  throughput  jobs a second with two workers and with one (goal: 1.8 times)
  overhead    seconds a job by one worker, less what its execution.json says of boot and checks (goal: .3)
  queue       seconds to submit LONG_QUEUE jobs, of status beside them, and memory of both (goal: 1 s, and flat)
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
DIGITS = ROOT / "examples" / "digits"
sys.path.insert(0, str(ROOT / "tests" / "farm"))
sys.path.insert(0, str(ROOT / "tests" / "vm" / "evaluation"))
import models  # noqa: E402

POLICY = """tier: low
arithmetic: fma
isolation: [process, microvm]
minimumSamples: 1
limits: {memoryMiB: 192}
checks:
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
  pgd:
    required: true
    goal: untargeted
    iterations: 20
    step: 0.1
    restarts: 2
    curves:
      - {norm: inf, eps: [0.01, 0.03]}
"""


class Bench:
    def __init__(self, lazaret, folder):
        self.lazaret, self.folder, self.number = lazaret, folder, 0
        (folder / "policy.yaml").write_text(POLICY)
        subprocess.run([lazaret, "keygen", "-o", folder / "key"], check=True, stdout=subprocess.DEVNULL)

    def options(self):
        return ["--key", self.folder / "key.pem", "--test", DIGITS / "test.npz", "--spec", DIGITS / "spec.yaml", "--policy",
                self.folder / "policy.yaml", "--isolation", os.environ.get("LAZARET_FARM_ISOLATION", "process"), "--quiet"]

    def write(self, count):
        lines = []
        for index in range(count):
            path = self.folder / f"model-{index}.onnx"
            if not path.exists():
                path.write_bytes(models.variant(index))
            lines.append(json.dumps({"id": f"model-{index}", "model": path.name}) + "\n")
        (self.folder / "jobs.jsonl").write_text("".join(lines))

    def run(self, workers):
        """Seconds of one batch, and its folder."""
        self.number += 1
        farm = self.folder / f"farm-{self.number}"
        began = time.monotonic()
        done = subprocess.run([self.lazaret, "batch", self.folder / "jobs.jsonl", "-o", farm, "--workers", str(workers),
                               *self.options()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"{done.stdout}\nthe batch ended with {done.returncode}")
        return time.monotonic() - began, farm


def boot_and_checks(result):
    """What execution.json says of the VM's boot, its hello, and the checks, seconds."""
    phases = json.loads((result / "execution.json").read_text())["phases"]
    return sum(float(phase["wallSeconds"]) for phase in phases
               if phase["name"] in ("boot", "handshake", "import") or phase["name"].startswith("check "))


def show_throughput(bench, rounds, jobs):
    rates, overheads = {1: [], 2: []}, []
    bench.write(jobs)
    for _ in range(rounds):
        for workers in (1, 2):
            seconds, farm = bench.run(workers)
            rates[workers].append(jobs / seconds)
            if workers == 1:
                inside = sum(boot_and_checks(result) for result in (farm / "results").iterdir())
                overheads.append((seconds - inside) / jobs)
    ratios = [two / one for one, two in zip(rates[1], rates[2])]
    print(f"throughput  1 worker {statistics.median(rates[1]):.3f} jobs/s, 2 workers {statistics.median(rates[2]):.3f}: "
          f"{statistics.median(ratios):.2f} times (each round: {', '.join(f'{ratio:.2f}' for ratio in ratios)})")
    print(f"overhead    {statistics.median(overheads):.3f} s a job beyond boot and checks "
          f"(each round: {', '.join(f'{overhead:.3f}' for overhead in overheads)})")


def high_water(pid):
    """The largest resident set so far, MiB; of this program's own image alone, unlike ru_maxrss."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmHWM")), 0.0)


def timed(command):
    """Wall and CPU seconds, and the largest resident set in MiB, of one command."""
    memory, began = 0.0, time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid != 0:
                break
            memory = max(memory, high_water(process.pid))
            time.sleep(0.001)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[1]} ended with {process.returncode}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, memory


def show_queue(bench, rounds, long):
    for count in (long // 100, long):
        with open(bench.folder / "long.jsonl", "w", encoding="ascii") as file:
            for index in range(count):
                file.write(json.dumps({"id": f"model-{index:07d}", "model": "model-0.onnx"}) + "\n")
        submits, statuses = [], []
        for number in range(rounds):
            farm = bench.folder / f"long-{count}-{number}"
            submits.append(timed([bench.lazaret, "batch", bench.folder / "long.jsonl", "-o", farm, "--add", *bench.options()]))
            statuses.append(timed([bench.lazaret, "status", farm]))
        for name, figures in (("submit", submits), ("status", statuses)):
            wall, cpu, memory = (statistics.median(column) for column in zip(*figures))
            print(f"queue       {name} of {count}: {wall:.3f} s, {cpu:.3f} s of CPU time, {memory:.1f} MiB")


def main():
    lazaret = str(pathlib.Path(sys.argv[1]).resolve())
    rounds, jobs, long = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((2, 3), (3, 12), (4, 100000)))
    with tempfile.TemporaryDirectory(prefix="lazaret-bench-farm-") as name:
        bench = Bench(lazaret, pathlib.Path(name))
        show_throughput(bench, rounds, jobs)
        show_queue(bench, rounds, long)


if __name__ == "__main__":
    main()
