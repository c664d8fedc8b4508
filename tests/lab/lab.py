# SPDX-License-Identifier: Apache-2.0
"""What the lab's cases in Python share; a case opens with sys.path.insert(0, "/job") and imports it."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, "/job/tests/vm")  # leftovers.py, where the case's header names it

OUT = pathlib.Path("/lab/out")
DIGITS = pathlib.Path(os.environ["DIGITS"])
STATE = pathlib.Path(os.environ["LAZARET_STATE"])
LONG = 120  # seconds of the machine's clock, for what takes a few


def check(text, condition, seen=""):
    print(f"LAB passed: {text}" if condition else f"LAB FAILED: {text}: {seen}", flush=True)


def equal(text, wanted, seen):
    check(text, wanted == seen, f"wanted {wanted!r}, seen {seen!r}")


def arguments(output, *options, policy="/job/policy.yaml", transport="vhost-vsock", accel="kvm"):
    """The command of an evaluation of the example into OUT/output."""
    words = [os.environ["LAZARET"], "evaluate", DIGITS / "clean.onnx", "--test", "/job/few.npz", "--spec",
             DIGITS / "spec.yaml", "--policy", policy, "--key", "/job/state/key.pem", "-o", OUT / output,
             "--accel", accel, "--transport", transport, "--memory", "256", "--quiet", *options]
    return [*map(str, words)]


def begin(output, *options, **more):
    """Starts it."""
    return subprocess.Popen(arguments(output, *options, **more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def end(job):
    """Its exit status; what it said is shown where that is none of an evaluation's."""
    said, _ = job.communicate()
    if job.returncode not in (0, 3):
        print(said, flush=True)
    return job.returncode


def evaluate(output, *options, **more):
    return end(begin(output, *options, **more))


def execution(output):
    return json.loads((OUT / output / "execution.json").read_text())


def evaluation_digest(output):
    """Of evaluation.json; the output's name where there is none, so that two of those differ."""
    path = OUT / output / "evaluation.json"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else output


def wait(condition, seconds=LONG):
    """The first true answer, or the last."""
    until = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > until:
            return answer
        time.sleep(0.05)


def in_phase(output, phase):
    """Whether the job that writes OUT/output has begun that phase."""
    begun = f'{{"event":"begin","phase":"{phase}"'
    for path in OUT.glob(f".{output}.*/events.jsonl"):
        try:
            return begun in path.read_text()
        except OSError:
            pass
    return False


def qemus():
    """{pid: command line} of the VMs that run."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if words[0].rpartition("/")[2].startswith("qemu-system") and any(word.startswith("guest=") for word in words):
            found[int(path.name)] = words
    return found


def cid_of(words):
    """The CID in a QEMU's command line, or 0."""
    for word in words:
        if "vhost-vsock" in word:
            for pair in word.replace('"', "").replace("{", "").replace("}", "").replace(":", "=").split(","):
                name, _, value = pair.partition("=")
                if name == "guest-cid":
                    return int(value)
    return 0
