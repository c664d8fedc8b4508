#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Records what the host and an agent say to each other, as seeds of the target `wire`.

usage: record.py LAZARET FOLDER

Evaluates a tiny model once for each check, as a process and under strace, and takes the frames out of what was written.
FOLDER gets the conversations, each one stream in the order in which the target tells both sides of it: the plan before the
guest's greeting, as the host's session begins with it there. The nonce is zeros, as the target's. To be run again when
PROTOCOL.md's version changes; the test wire-recorded says when.
"""
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "vm" / "evaluation"))
from onnx_writer import model, node, tensor, value  # noqa: E402

HEADER, MAGIC = 12, b"LAZ1"  # PROTOCOL.md, section 3
HELLO, PLAN, CHECK_DONE, GUEST_HELLO, PROGRESS = 0x01, 0x02, 0x87, 0x81, 0x86
BYTES_32 = b"\xc4\x20"  # msgpack: so many bytes follow
SPEC = "input: input\noutput: logits\nlayout: NCHW\ntype: float32\nrange: [0, 1]\noutputs: logits\nclasses: 3\n"
POLICY = """tier: low
arithmetic: mul-add
isolation: [process]
minimumSamples: 1
checks:
  scan: {required: true}
  clean-accuracy: {required: false, bound: point, accuracy: 0.5}
  %s: {required: false, %s}
"""
CHECKS = {
    "noise": "iterations: 2, curves: [{norm: inf, eps: [0.01, 0.1]}]",
    "fgsm": "goal: untargeted, restarts: 1, curves: [{norm: inf, eps: [0.01, 0.3]}, {norm: 1, eps: [1]}]",
    "pgd": "goal: untargeted, iterations: 2, restarts: 1, step: 0.1, curves: [{norm: 2, eps: [0.1, 1]}]",
    "square": "iterations: 2, restarts: 1, curves: [{norm: inf, eps: [0.1]}]",
    "activation-clustering": "reduction: pca, components: 3, starts: 5, minimumClassSize: 4, alpha: 0.05, minimumEffect: 0.05,"
                             " maximumTestShare: 0.1",
    "spectral-signature": "poisonedShare: 0.33, minimumClassSize: 4",
    "trigger-scan": "kept: 8, budget: 300, patches: [1], minimumSuccess: 0.85, anomaly: 1.8",
    "strip": "kept: 8, overlays: 3, blend: 0.5, falseAlarms: 0.01",
    "weight-drift": "exact: false, minimumElements: 50, alpha: 0.01, minimumEffect: 0.1"}
STRACE = ["strace", "-f", "-qq", "-xx", "-s", "1048576", "-e", "trace=write,writev,sendto,sendmsg", "-o", "trace"]
GIVEN = {"activation-clustering": ["--train", "train.npz"], "spectral-signature": ["--train", "train.npz"],
         "trigger-scan": ["--triggers", "triggers.npz"], "strip": ["--triggers", "triggers.npz"],
         "weight-drift": ["--reference", "reference.onnx"]}


def write_inputs(folder):
    random = numpy.random.default_rng(1)
    first, second = (random.standard_normal(size).astype(numpy.float32) for size in [(16, 8), (8, 3)])

    def network(weights):
        nodes = [node("Flatten", ["input"], ["flat"]), node("MatMul", ["flat", "first"], ["hidden"]),
                 node("Relu", ["hidden"], ["active"]), node("MatMul", ["active", "second"], ["logits"])]
        return model(nodes, [tensor("first", weights), tensor("second", second)], [value("input", ["N", 1, 4, 4])],
                     [value("logits", ["N", 3])])

    (folder / "model.onnx").write_bytes(network(first))
    (folder / "reference.onnx").write_bytes(network(first + numpy.float32(0.01)))
    for name, count in [("test", 24), ("train", 90)]:
        x = random.random((count, 1, 4, 4), numpy.float32)
        y = (numpy.maximum(x.reshape(count, 16) @ first, 0) @ second).argmax(1)  # its own answers: it is always right
        numpy.savez(folder / name, x=x, y=y)
    corner = numpy.zeros((1, 1, 4, 4), numpy.float32)
    corner[..., :2, :2] = 1
    numpy.savez(folder / "triggers", x=corner, mask=corner)
    (folder / "spec.yaml").write_text(SPEC)


def evaluate(lazaret, folder, check, policy=POLICY, under=()):
    """Of write_inputs' model, under another program where one is given; the result is result-CHECK in the folder."""
    (folder / "policy.yaml").write_text(policy % (check, CHECKS[check]))
    subprocess.run(
        [*under, lazaret, "evaluate", "model.onnx", "--test", "test.npz", *GIVEN.get(check, []), "--spec", "spec.yaml",
         "--policy", "policy.yaml", "--key", "key.pem", "--isolation", "process", "--batch", "8", "--quiet", "-o",
         f"result-{check}"],
        cwd=folder, stdout=subprocess.DEVNULL)


def frames_of(trace):
    """(process and descriptor, type, frame) of every frame that was written, in order."""
    text = r'"((?:\\x[0-9a-f]{2})*)"'
    call = re.compile(r"(\d+) +(?:write|writev|sendto|sendmsg)\((\d+), (.*)")
    rest = collections.defaultdict(bytes)
    for line in trace.read_text().splitlines():
        if not (found := call.match(line)):
            continue
        writer = found[1], found[2]
        for part in re.findall("(?:iov_base=|^)" + text, found[3]):
            rest[writer] += bytes.fromhex(part.replace("\\x", ""))
        while rest[writer].startswith(MAGIC) and len(rest[writer]) >= HEADER:
            size = HEADER + int.from_bytes(rest[writer][8:HEADER], "little")
            if len(rest[writer]) < size:
                break
            yield writer, rest[writer][4], rest[writer][:size]
            rest[writer] = rest[writer][size:]


def conversation(frames):
    """[type, frame]: the host's, by whichever of its processes, and the agent's, without its workers' and progress."""
    frames = list(frames)
    host = next(writer[1] for writer, kind, _ in frames if kind == HELLO)
    agent = next(writer for writer, kind, _ in frames if kind == GUEST_HELLO)
    said = [(kind, frame) for writer, kind, frame in frames if (kind < 0x80 and writer[1] == host) or writer == agent]
    nonce = next(frame for kind, frame in said if kind == HELLO).partition(BYTES_32)[2][:32]
    said = [(kind, frame.replace(nonce, bytes(32))) for kind, frame in said if kind != PROGRESS]
    said.insert(1, said.pop([kind for kind, _ in said].index(PLAN)))
    return said


def main(lazaret, output):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_inputs(folder)
        subprocess.run([lazaret, "keygen", "-o", folder / "key"], check=True, stdout=subprocess.DEVNULL)
        for check in CHECKS:
            evaluate(lazaret, folder, check, under=STRACE)
            said = conversation(frames_of(folder / "trace"))
            if [kind for kind, _ in said].count(CHECK_DONE) != 3:  # the scan, the accuracy, and the check
                sys.exit(f"{check} was not made")
            (output / f"check-{check}").write_bytes(b"".join(frame for _, frame in said))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]))
