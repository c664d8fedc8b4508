#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Pickles that are dense in opcodes, for the bench and the memory test: harmless, and as many steps as bytes allow.

usage: dense_pickle.py KIND SIZE FILE

KIND: rows (what pickle.dumps makes of a list of short tuples of small ints and short strings), mixed (ints, short
strings, tuples and lists in random order, so that no branch is foreseen),
memoize (one MEMOIZE after the other), lists (EMPTY_LIST and MEMOIZE), marks, marked (MARK and EMPTY_LIST),
strings (empty ones, memoized), pushed (three kinds of empty containers), globals (each another one).
"""
import pickle
import random
import struct
import sys


def mixed(size):
    rng = random.Random(47)
    out = bytearray(b"\x80\x04]\x94")
    memo = 1
    words = [bytes(rng.choice(b"abcdefghijklmnop") for _ in range(rng.randrange(2, 9))) for _ in range(512)]
    while len(out) < size:
        out += b"("
        for _ in range(200):
            pick = rng.randrange(6)
            if pick == 0:
                out += b"K" + bytes([rng.randrange(256)])
            elif pick == 1:
                out += b"M" + struct.pack("<H", rng.randrange(65536))
            elif pick == 2:
                word = rng.choice(words)
                out += b"\x8c" + bytes([len(word)]) + word + b"\x94"
                memo += 1
            elif pick == 3:
                out += b"K\x01K\x02\x86\x94"
                memo += 1
            elif pick == 4:
                out += b"h" + bytes([rng.randrange(1, max(2, min(memo, 256)))])
            else:
                out += b"]\x94K\x07a"
                memo += 1
        out += b"e"
    return bytes(out) + b"."


def rows(size):
    count = size // 19
    return pickle.dumps([(i & 255, "w%d" % i, (i & 65535, i & 7)) for i in range(count)], 4)


def repeated(unit, size, head=b"\x80\x04", tail=b"."):
    return head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


def distinct(size):
    out = bytearray(b"\x80\x04")
    number = 0
    while len(out) < size:
        out += b"cmodule\nn%x\n0" % number
        number += 1
    return bytes(out) + b"N."


KINDS = {
    "rows": rows,
    "mixed": mixed,
    "memoize": lambda size: repeated(b"\x94", size, b"\x80\x04N"),
    "lists": lambda size: repeated(b"]\x94", size),
    "marks": lambda size: repeated(b"(", size, tail=b""),
    "marked": lambda size: repeated(b"(]", size, tail=b""),
    "strings": lambda size: repeated(b"\x8c\x00\x94", size),
    "pushed": lambda size: repeated(b"]})", size),
    "globals": distinct,
}


def main():
    kind, size, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with open(path, "wb") as file:
        file.write(KINDS[kind](size))


if __name__ == "__main__":
    main()
