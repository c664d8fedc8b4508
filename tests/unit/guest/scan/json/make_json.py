# SPDX-License-Identifier: Apache-2.0
"""usage: make_json.py SEED COUNT
Generated JSON texts, whole and mutated, with what Python's json makes of each, on standard output: for each case
its size (u32), its bytes, whether json.loads takes it (u8), the size of its events (u32), the events as lines
"depth kind key text" in hexadecimal ("-" for no key)."""
import json
import random
import struct
import sys

sys.set_int_max_str_digits(0)


class Number(str):
    pass


def events(value, depth, key, out):
    head = f"{depth}", "-" if key is None else "k" + key.encode("utf-8", "surrogatepass").hex()
    if isinstance(value, Number):
        out.append((head[0], "number", head[1], value.encode().hex()))
    elif isinstance(value, str):
        out.append((head[0], "string", head[1], value.encode("utf-8", "surrogatepass").hex()))
    elif isinstance(value, tuple):  # an object's pairs
        out.append((head[0], "object", head[1], ""))
        for name, inner in value:
            events(inner, depth + 1, name, out)
        out.append((head[0], "object-end", head[1], ""))
    elif isinstance(value, list):
        out.append((head[0], "array", head[1], ""))
        for inner in value:
            events(inner, depth + 1, None, out)
        out.append((head[0], "array-end", head[1], ""))
    else:
        out.append((head[0], {None: "null", True: "true", False: "false"}[value], head[1], ""))


def read(text):
    return json.loads(text, object_pairs_hook=tuple, parse_int=Number, parse_float=Number, parse_constant=Number)


CHARS = ["a", "B", " ", "\\", '"', "/", "\n", "\x00", "\x7f", "é", "€", "\U0001f600", "\ud83d", "\ude00", "λ"]


def text_of(rng):
    if rng.random() < 0.01:
        return "x€" * rng.randrange(20000, 60000)
    return "".join(rng.choice(CHARS) for _ in range(rng.randrange(12)))


def value_of(rng, depth):
    kind = rng.randrange(10 if depth < 6 else 6)
    if kind < 2:
        return text_of(rng)
    if kind < 6:
        return rng.choice([0, -1, 17, 1e300, -2.5e-7, 123456789012345678901234567890, None, True, False,
                           float("nan"), float("inf"), float("-inf")])
    if kind < 8:
        return [value_of(rng, depth + 1) for _ in range(rng.randrange(5))]
    return {text_of(rng)[:16]: value_of(rng, depth + 1) for _ in range(rng.randrange(5))}


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(4)
        if what == 0:
            data[at:at + rng.randrange(1, 3)] = b""
        elif what == 1:
            data[at:at] = rng.choice([b",", b'"', b"{", b"]", b"\\u00", b"\\ud800", b"\\udc00", b"0", b"-", b".", b"e+",
                                      b"NaN", b"/", b" ", b"\n", b'"a":', b"\t", b"}", b"[", b"\\x", b"-Infinity"])
        elif what == 2:
            data = data[:at]
        else:
            data = data + data[at:at + 3]
    return bytes(data)


def main():
    rng = random.Random(int(sys.argv[1]))
    for number in range(int(sys.argv[2])):
        value = value_of(rng, 0)
        ascii_only = rng.random() < 0.5
        text = json.dumps(value, ensure_ascii=ascii_only, indent=rng.choice([None, None, 1]))
        if rng.random() < 0.2:
            text = '{"a":1,"a":' + text + ',"a":"' + "\\u0041\\ud83d\\ude00\\ud83d\\n\\ud83d\\ud83d\\ude00" + '"}'
        encoding = rng.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32",
                               "utf-32-le", "utf-32-be"])
        data = text.encode(encoding, "surrogatepass")
        if number % 2 and encoding == "utf-8" and ascii_only:
            data = mutate(rng, data)
        listing = []
        try:
            events(read(data), 0, None, listing)
            taken = 1
        except (ValueError, RecursionError):
            taken, listing = 0, []
        lines = "".join(" ".join(line) + "\n" for line in listing).encode()
        sys.stdout.buffer.write(struct.pack("<I", len(data)) + data + struct.pack("<BI", taken, len(lines)) + lines)


main()
