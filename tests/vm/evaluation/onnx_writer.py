# SPDX-License-Identifier: Apache-2.0
"""Just enough of ONNX's protobuf to write small models, right and wrong ones. Field numbers: onnx.proto."""
import struct


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """A varint for integers, length-delimited for bytes and text."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, array):
    """TensorProto: dims 1, data_type 2 (FLOAT 1), name 8, raw_data 9."""
    return b"".join(field(1, d) for d in array.shape) + field(2, 1) + field(8, name) + field(
        9, array.astype("<f4").tobytes())


def integer_attribute(name, value):
    """AttributeProto: name 1, i 3, type 20 (INT 2)."""
    return field(1, name) + field(3, value) + field(20, 2)


def node(operator, inputs, outputs, name="", attributes=()):
    """NodeProto: input 1, output 2, name 3, op_type 4, attribute 5."""
    return b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(3, name) + field(
        4, operator) + b"".join(field(5, a) for a in attributes)


def value(name, dims):
    """ValueInfoProto with a float tensor type; a text dim is symbolic."""
    shape = b"".join(field(1, field(2, d) if isinstance(d, str) else field(1, d)) for d in dims)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def model(nodes, initializers, inputs, outputs, opset=13):
    """ModelProto: ir_version 1, graph 7, opset_import 8; GraphProto: node 1, name 2, initializer 5, input 11, output 12."""
    graph = b"".join(field(1, n) for n in nodes) + field(2, "g") + b"".join(field(5, t) for t in initializers)
    graph += b"".join(field(11, i) for i in inputs) + b"".join(field(12, o) for o in outputs)
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, opset))
