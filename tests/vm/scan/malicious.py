# SPDX-License-Identifier: Apache-2.0
"""Files for the scan's tests, written byte by byte: nothing here is ever loaded."""
import io
import json
import pickle
import struct
import zipfile
import zlib


def call(module, name, argument):
    """A pickle of protocol 2 that calls module.name(argument) when it is loaded."""
    text = argument.encode()
    return b"\x80\x02c%s\n%s\nX%s%s\x85R." % (module.encode(), name.encode(), struct.pack("<I", len(text)), text)


def harmless():
    return pickle.dumps({"weights": [1.5, 2.5], "name": "model"}, protocol=4)


def unknown():
    """A class that nobody knows is made and filled in, and nothing is called."""
    return b"\x80\x02cmymodel.nets\nNetwork\n)\x81}X\x05\x00\x00\x00depthK\x03sb."


def in_zip(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", "/")), content)
    return stream.getvalue()


def nested(depth, innermost):
    """A zip within a zip within a zip."""
    content = innermost
    for _ in range(depth):
        content = in_zip(inner=content)
    return content


def many_members(count):
    """A zip of `count` empty members, stored: 46 bytes of directory and 30 of header each, and the name."""
    crc = zlib.crc32(b"")
    headers, directory = [], []
    offset = 0
    for i in range(count):
        name = b"%07d" % i
        header = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 0, crc, 0, 0, len(name), 0) + name
        directory.append(struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 0, crc, 0, 0, len(name), 0, 0,
                                     0, 0, 0, offset) + name)
        headers.append(header)
        offset += len(header)
    listing = b"".join(directory)
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, len(listing), offset)
    locator = struct.pack("<IIQI", 0x07064B50, 0, offset + len(listing), 1)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, len(listing), offset, 0)
    return b"".join(headers) + listing + end64 + locator + end


def deep_json(depth):
    return json.dumps({"class_name": "Functional"}).encode()[:-1] + b', "config": ' + b"[" * depth + b"]" * depth + b"}"
