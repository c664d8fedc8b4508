# SPDX-License-Identifier: Apache-2.0
"""Models for the farm's tests: real digits models with weights changed a little, a backdoored one, malicious files, broken ones."""
import pickle
import random
import struct
import sys
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vm" / "evaluation"))
from lazaret import DIGITS  # noqa: E402

POLICY = """tier: low
isolation: [process, microvm]
minimumSamples: 1
limits: {memoryMiB: 192}
checks:
  scan: {required: true}
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
"""


class Runs:
    """What unpickling makes of it is a call."""

    def __init__(self, argument):
        self.argument = argument

    def __reduce__(self):
        import os
        return os.system, (self.argument,)


def variant(seed):
    """The clean digits model with the last bit of some of its weights turned: another file, the same accuracy."""
    model = bytearray((DIGITS / "clean.onnx").read_bytes())
    generator = random.Random(seed)
    start = len(model) // 2
    while True:  # a run of floats that look like weights, so that names and shapes stay
        place = generator.randrange(start, len(model) - 64)  # raw data lies at any offset
        values = struct.unpack_from("<8f", model, place)
        if all(1e-4 < abs(value) < 1 for value in values):
            break
    for i in range(8):
        model[place + 4 * i] ^= generator.randrange(1, 4)
    return bytes(model)


def hungry():
    """A small file that takes 66 MiB beside its weights: a thousand times as many channels as there are pixels."""
    import numpy
    from onnx_writer import model, node, tensor, value
    generator = numpy.random.default_rng(1)
    nodes = [node("Conv", ["input", "w"], ["a"]), node("Relu", ["a"], ["b"]), node("Sigmoid", ["b"], ["c"]),
             node("GlobalAveragePool", ["c"], ["d"]), node("Flatten", ["d"], ["e"]), node("Gemm", ["e", "v"], ["logits"])]
    weights = [tensor("w", generator.standard_normal((8192, 1, 1, 1))), tensor("v", generator.standard_normal((8192, 10)))]
    return model(nodes, weights, [value("input", ["N", 1, 8, 8])], [value("logits", ["N", 10])])


def make(folder, count, seed):
    """Writes `count` models; returns [(id, path, verdict)], verdicts that a single evaluation of each must have."""
    generator = random.Random(seed)
    jobs = []
    for index in range(count):
        kind = generator.choices(["variant", "backdoor", "pickle", "truncated", "noise"], [6, 1, 2, 1, 1])[0]
        path = folder / f"{kind}-{index}.{'pkl' if kind == 'pickle' else 'onnx'}"
        if kind == "variant":
            path.write_bytes(variant(seed * 1000 + index))
        elif kind == "backdoor":
            path.write_bytes((DIGITS / "bd15.onnx").read_bytes())
        elif kind == "pickle":
            path.write_bytes(pickle.dumps(Runs(f"echo {index}")))
        elif kind == "truncated":
            path.write_bytes(variant(seed * 1000 + index)[:500 + index])
        else:
            path.write_bytes(generator.randbytes(4096))
        jobs.append((f"{kind}-{index}", path, VERDICTS[kind]))
    return jobs


# By the policy above: a backdoor shows in no check of it.
VERDICTS = {"variant": {"passed"}, "backdoor": {"passed"}, "pickle": {"rejected"},
            "truncated": {"could-not-evaluate", "rejected"}, "noise": {"could-not-evaluate", "rejected"}}
