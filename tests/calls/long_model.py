# SPDX-License-Identifier: Apache-2.0
"""usage: long_model.py MODEL.onnx OUT.onnx: the model with thousands of layers more that nobody asks for, so that lists of
its importer grow by realloc beyond what malloc keeps in its heap, and are long enough for qsort to ask for memory."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vm" / "evaluation"))
from onnx_writer import field, node, varint  # noqa: E402

LAYERS = 6000
GRAPH = 7  # ModelProto: graph


def read_varint(data, at):
    value, shift = 0, 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def layers():
    before = "logits"
    for i in range(LAYERS):
        yield field(1, node("Relu", [before], [f"more{i}"]))
        before = f"more{i}"


def longer(data):
    out, at = b"", 0
    while at < len(data):
        start = at
        key, at = read_varint(data, at)
        value, at = read_varint(data, at)
        if key & 7 == 2:
            at += value
        if key == GRAPH << 3 | 2:
            graph = data[at - value:at] + b"".join(layers())
            out += varint(key) + varint(len(graph)) + graph
        else:
            out += data[start:at]
    return out


source, target = map(pathlib.Path, sys.argv[1:])
target.write_bytes(longer(source.read_bytes()))
