#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Evaluates the zoo: usage: evaluate.py OUT LAZARET POLICY… [--half HALF] [--jobs N]. Resumes where it stopped.

Each model is evaluated by process isolation under a copy of each policy that allows it, with its training set
as poisoned and the trusted test set; attacks are left out of the copy, as no backdoor check depends on them.
OUT/<id>/<policy>.json holds the checks of evaluation.json.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import plan

SPEC = "input: input\noutput: logits\nlayout: NCHW\nrange: [0, 1]\nclasses: 10\n"
ATTACKS = ("noise", "fgsm", "pgd", "square", "robustness")


def backdoor_policy(path):
    """The policy without its attacks, at the tier that asks for none, with process isolation allowed."""
    kept, section = [], None
    for line in path.read_text().splitlines():
        match = re.match(r"  ([a-z-]+):\s*$", line)
        if match:
            section = match.group(1)
        elif line and not line.startswith(" "):
            section = None
        if section in ATTACKS:
            continue
        line = re.sub(r"^tier: .*", "tier: low", line)
        line = re.sub(r"^isolation: .*", "isolation: [microvm, process]", line)
        kept.append(line)
    return "\n".join(kept) + "\n"


def evaluate(out, lazaret, entry, policy, scratch):
    folder = out / entry["id"]
    result = folder / f"{policy.stem}.json"
    record = folder / "entry.json"
    if result.exists() or not record.exists():
        return
    work = pathlib.Path(tempfile.mkdtemp(dir=scratch))
    (work / "policy.yaml").write_text(backdoor_policy(policy))
    (work / "spec.yaml").write_text(SPEC)
    command = [lazaret, "evaluate", folder / "model.onnx", "--test", out / f"{entry['data']}-test.npz", "--train",
               folder / "train.npz", "--spec", work / "spec.yaml", "--policy", work / "policy.yaml", "--key",
               scratch / "key.pem", "--isolation", "process", "--arithmetic", "fma", "--vcpus", "1", "--quiet", "-o",
               work / "result"]
    run = subprocess.run(command, env={**os.environ, "LAZARET_STATE": str(scratch / "state")}, text=True,
                         capture_output=True, check=False)
    evaluation = work / "result" / "evaluation.json"
    if not evaluation.exists():
        print(f"evaluate.py: {entry['id']}: exit {run.returncode}: {run.stdout} {run.stderr}", file=sys.stderr)
        return
    execution = json.loads((work / "result" / "execution.json").read_text())
    result.write_text(json.dumps({"checks": json.loads(evaluation.read_text())["checks"],
                                  "execution": execution["checks"]}) + "\n")
    shutil.rmtree(work)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("lazaret", type=pathlib.Path)
    parser.add_argument("policies", nargs="+", type=pathlib.Path)
    parser.add_argument("--half", choices=plan.HALVES)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = pathlib.Path(scratch_name)
        subprocess.run([options.lazaret, "keygen", "-o", scratch / "key"], check=True, stdout=subprocess.DEVNULL)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            # In an order that mixes attacks and data, so that what is there after a while says something already.
            chosen = sorted((e for e in plan.entries() if options.half in (None, e["half"])),
                            key=lambda e: hashlib.sha256(e["id"].encode()).digest())
            jobs = [pool.submit(evaluate, options.out, options.lazaret.resolve(), entry, policy, scratch)
                    for entry in chosen for policy in options.policies]
            for job in concurrent.futures.as_completed(jobs):
                job.result()


if __name__ == "__main__":
    main()
