#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A digits job of six eps: `lazaret evaluate --isolation process` against the same job as a Python process.

Usage: bench_digits_job.py LAZARET [ROUNDS]. Prints CPU time and memory of both sides, medians of alternating
runs, and the ratios. CPU time is of a run and all its processes. Memory is the largest sum of their proportional
set sizes, looked at every few milliseconds (shared pages are counted once). Needs python3-torch.
"""
import math
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits"

POLICY = textwrap.dedent("""\
    tier: low
    arithmetic: fma
    isolation: [microvm, process]
    minimumSamples: 200
    checks:
      clean-accuracy: {required: true, bound: lower, accuracy: 0.8}
      fgsm:
        required: true
        curves:
          - {norm: inf, eps: [0.01, 0.03, 0.05, 0.1, 0.2, 0.3]}
        thresholds:
          - {norm: inf, eps: 0.01, bound: lower, robustAccuracy: 0.7}
    """)

# The job as one would write it with torch: the model's weights from the same file, one new gradient an eps, as ART.
PYTHON = textwrap.dedent("""\
    import sys
    import numpy as np
    import torch
    torch.set_num_threads(1)
    data = np.load(sys.argv[1])
    x, y = torch.tensor(data["x"]), torch.tensor(data["y"])
    state = torch.load(sys.argv[2])
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 16, 3, padding=1), torch.nn.ReLU(),
                                torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
                                torch.nn.Flatten(), torch.nn.Linear(512, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    model.load_state_dict(state)
    model.eval()
    for p in model.parameters():
        p.requires_grad_(False)
    clean = model(x).argmax(1)
    print("clean", int((clean == y).sum()))
    for eps in (0.01, 0.03, 0.05, 0.1, 0.2, 0.3):
        right = 0
        for i in range(0, len(x), 32):
            batch = x[i:i + 32].clone().requires_grad_(True)
            loss = torch.nn.functional.cross_entropy(model(batch), clean[i:i + 32])
            gradient, = torch.autograd.grad(loss, batch)
            moved = (batch.detach() + eps * gradient.sign()).clamp(0, 1)
            right += int((model(moved).argmax(1) == y[i:i + 32]).sum())
        print(eps, right)
    """)


def family(root):
    """The process and its descendants."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(") ", 1)[1].split()[1])
            except OSError:
                pass
    chosen, grew = {root}, True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in chosen} - chosen
        chosen |= more
        grew = bool(more)
    return chosen


def pss(pid):
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def run(command, environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(pss(pid) for pid in family(process.pid)))
        time.sleep(0.004)
    if process.returncode > 1:
        sys.exit(f"bench_digits_job.py: {command[0]} ended with {process.returncode}: {process.stderr.read()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak / 1024


def save_weights(path):
    """The example model's weights as torch keeps them, told apart by their sizes."""
    import torch
    sys.path.insert(0, str(ROOT / "tests" / "fixtures"))
    from onnx_reader import weights
    shapes = {"0.weight": (16, 1, 3, 3), "0.bias": (16,), "2.weight": (32, 16, 3, 3), "2.bias": (32,),
              "6.weight": (64, 512), "6.bias": (64,), "8.weight": (10, 64), "8.bias": (10,)}
    tensors = {tensor.size: tensor for _, tensor in weights(DIGITS / "clean.onnx")}
    torch.save({name: torch.tensor(tensors[math.prod(shape)].reshape(shape).copy()) for name, shape in shapes.items()},
               path)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    lazaret, rounds = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        (work / "policy.yaml").write_text(POLICY)
        (work / "job.py").write_text(PYTHON)
        save_weights(work / "weights.pt")
        environment = {**os.environ, "LAZARET_STATE": str(work / "state")}
        subprocess.run([lazaret, "keygen", "-o", work / "key"], check=True, stdout=subprocess.DEVNULL)
        for i in range(rounds):
            command = [lazaret, "evaluate", DIGITS / "clean.onnx", "--test", DIGITS / "test.npz", "--spec",
                       DIGITS / "spec.yaml", "--policy", work / "policy.yaml", "--key", work / "key.pem", "--isolation",
                       "process", "--vcpus", "1", "--quiet", "-o", work / f"out{i}"]
            ours.append(run(command, environment))
            theirs.append(run(["/usr/bin/python3", work / "job.py", DIGITS / "test.npz", work / "weights.pt"], environment))
    cpu = [statistics.median(r[0] for r in side) for side in (ours, theirs)]
    memory = [statistics.median(r[1] for r in side) for side in (ours, theirs)]
    print(f"CPU time: lazaret {cpu[0]:.3f} s, Python with torch {cpu[1]:.3f} s, ratio 1/{cpu[1] / cpu[0]:.1f} (goal 1/20)")
    print(f"memory: lazaret {memory[0]:.1f} MiB, Python with torch {memory[1]:.1f} MiB, "
          f"ratio 1/{memory[1] / memory[0]:.1f} (goal 1/10)")


if __name__ == "__main__":
    main()
