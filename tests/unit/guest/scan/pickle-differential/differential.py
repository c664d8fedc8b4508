#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The pickle machine against CPython's C unpickler, on random opcode programs.

usage: differential.py PICKLE-TRACE [--seed N] [--count N] [--keep FILE]

Every program is loaded by _pickle.Unpickler with find_class and persistent_load overridden: what they return is a class
that records what is done to it and does nothing, so that no program runs anything. The machine's list of globals, calls
and changes, and where it ends, must be the same. Seeds are fixed; the failing program is printed.
"""
import argparse
import copyreg
import io
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import _pickle

MEMORY_MAX = 1 << 29  # so that programs that ask for all of it fail at once
EXTENSIONS = {1: "one", 77: "seventy", 255: "last", 256: "two", 40000: "more", 70000: "four", 0x7FFFFFFF: "top"}


# --- the reference -----------------------------------------------------------------------------------------

def show(value):
    """A value as pickle_trace.c prints it."""
    if isinstance(value, type) and type(value) is Recorder:
        return "object"
    name = type(value).__name__
    if name == "int" and -(1 << 47) <= value < 1 << 47:
        return "int=%d" % value
    if name == "str":
        text = value.encode("utf-8", "surrogatepass")
        return "str=" + text.hex() if len(text) <= 256 else "str"
    if name == "bytes":
        return "bytes=" + value.hex() if len(value) <= 256 else "bytes"
    if name in ("tuple", "list"):
        return "%s=%d" % (name, len(value))
    return name


log = []


class Recorder(type):
    """The class of what find_class returns: every use of it is a line in the log, and gives another one."""

    def __call__(cls, *args):
        log.append("call %d%s" % (len(args), "".join(" " + show(a) for a in args[:4])))
        return fresh()

    def __setstate__(cls, state):
        log.append("build " + show(state))

    def __setitem__(cls, key, value):
        log.append("setitem")

    def extend(cls, items):
        log.append("extend %d" % len(items))

    def add(cls, item):
        log.append("add")


def made(cls, *args, **keywords):
    log.append("new %d%s" % (len(args), "".join(" " + show(a) for a in args[:4])))
    return fresh()


def fresh():
    return type.__new__(Recorder, "object", (), {"__new__": made})


class Unpickler(_pickle.Unpickler):
    def find_class(self, module, name):
        if module == "extension":
            log.append("extension " + name)
        else:
            log.append("global %s %s" % tuple(t.encode("utf-8", "surrogatepass").hex() for t in (module, name)))
        return fresh()

    def persistent_load(self, pid):
        log.append("persistent " + show(pid))
        return fresh()


class File:
    """A file without peek(): what it has read is what was asked for."""

    def __init__(self, data):
        self.file = io.BytesIO(data)
        self.read, self.readline, self.readinto = self.file.read, self.file.readline, self.file.readinto


def buffers():
    while True:
        yield bytearray(b"buffer")


def reference(data, from_file):
    log.clear()
    copyreg.clear_extension_cache()
    if from_file:
        file = File(data)
    else:  # as loads(): one buffer, frames change nothing
        file = io.BytesIO(data)
        whole = file.getvalue()
        file = Whole(whole)
    unpickler = Unpickler(file, buffers=buffers())
    position = None
    try:
        value = unpickler.load()
        end = "stop", show(value).split("=")[0]
    except RecursionError:
        raise
    except Exception as error:  # whatever a program may provoke
        end = "error", "%s: %s" % (type(error).__name__, error)
    if from_file and b"\x95" not in data and not any(word in end[1] for word in ("truncated", "Ran out")):
        position = file.file.tell()
    return list(log), end, position


class Whole:
    """Bytes that are all in the unpickler's buffer from the first read on, by peek()."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def peek(self, size):
        return self.data[self.at:]

    def read(self, size):
        part = self.data[self.at:self.at + size]
        self.at += len(part)
        return part

    def readline(self):
        end = self.data.find(b"\n", self.at)
        part = self.data[self.at:] if end < 0 else self.data[self.at:end + 1]
        self.at += len(part)
        return part

    def readinto(self, buffer):
        part = self.read(len(buffer))
        buffer[:len(part)] = part
        return len(part)


# --- programs ----------------------------------------------------------------------------------------------

NAMES = ["os", "system", "builtins", "eval", "a", "b.c", "collections", "OrderedDict", "\u00e9t\u00e9", "x" * 40]
INTS = ["0", "1", "00", "-1", "7", "0x10", "0X1f", " 5", "01", "010", "09", "0o17", "0b11", "1_000", "1__0", "_1", "1_", "0_1",
        "5 ", "\t-3", "+4", "- 4", "", "x", "12L", "L", "1L", "0x", "99999999999999999999", "-99999999999999999999",
        "99999999999999999999", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "12\x0034", "\x00", "0x_f", "0x1L", "1e3", "00_0",
        "0" * 20, "1" * 4300, "1" * 4301, "0x" + "f" * 50, "0777", "0778", "-0x8", "+", "-", "  "]
FLOATS = ["0", "1.5", "-2.", ".5", "1e5", "1e", "1e+", "1e400", "-1e400", "inf", "-Infinity", "nan", "NaN", "infi", "0x1p3",
          " 1", "1 ", "1_0", "", ".", "1\x002", "1e-999", "+.5e-3", "1.5.", "e5"]
STRINGS = ["''", '""', "'abc'", '"abc"', "'abc\"", "'", "abc", "'a\\'b'", "'\\x41'", "'\\x4'", "'\\xZZ'", "'\\101'", "'\\1'",
           "'\\9'", "'\\q'", "'\\'", "'\\\\'", "'\\n\\t\\r\\a\\b\\f\\v'", "'a'b'", "  'a'", "'a' ", "'\\u0041'", "'\\400'"]
UNICODES = ["", "abc", "\\u0041", "\\u004", "\\U00000041", "\\U00110000", "\\\\u0041", "\\\\\\u0041", "\\", "\\x41", "\\ud800",
            "\u00e9", "a\\", "\\uZZZZ", "\\U0000004"]


class Program:
    """A random program: it keeps a rough picture of the stack, so that most opcodes find what they need."""

    def __init__(self, rng, protocol, sanity):
        self.rng, self.protocol, self.sanity = rng, protocol, sanity
        self.parts, self.kinds, self.marks, self.memo = [], [], [], []
        self.memo_size = 0

    def emit(self, code, argument=b""):
        self.parts.append(code.encode("latin-1") + argument)

    def push(self, kind):
        self.kinds.append(kind)

    def text(self):
        rng = self.rng
        if rng.random() < max(0.5, self.sanity - 0.04):
            return rng.choice(NAMES[:8]).encode()
        return bytes(rng.choice(b"abcXYZ 09\xc3\xa9\xff\xed\xa0\x80\xf0\x9f") if rng.random() < 0.05 else rng.choice(b"abcxyz._")
                     for _ in range(rng.choice((0, 1, 3, 9, 30))))

    def name(self):
        return self.rng.choice(NAMES)

    def constant(self):
        rng = self.rng
        pick = rng.randrange(24)
        if pick < 3:
            self.emit("K", bytes([rng.randrange(256)]))
            self.push("int")
        elif pick == 3:
            self.emit(rng.choice("JM"), b"")
            self.parts[-1] += rng.randbytes(4 if self.parts[-1] == b"J" else 2)
            self.push("int")
        elif pick == 4:
            self.emit("I", self.line(INTS))
            self.push("int")
        elif pick == 5:
            self.emit("L", self.line(INTS))
            self.push("int")
        elif pick == 6:
            size = rng.choice((0, 1, 2, 5, 7, 8, 9, 20))
            self.emit("\x8a", bytes([size]) + rng.randbytes(size))
            self.push("int")
        elif pick == 7:
            size = rng.choice((0, 1, 3, 6, 8, 12))
            self.emit("\x8b", struct.pack("<i", size if rng.random() > 0.02 else -1) + rng.randbytes(size))
            self.push("int")
        elif pick == 8:
            self.emit("F", self.line(FLOATS))
            self.push("float")
        elif pick == 9:
            self.emit("G", rng.randbytes(8))
            self.push("float")
        elif pick == 10:
            self.emit("S", self.line(STRINGS))
            self.push("str")
        elif pick == 11:
            self.emit("V", self.line(UNICODES, "latin-1"))
            self.push("str")
        elif pick < 16:
            text = self.text()
            code = rng.choice("X\x8c\x8dTU") if rng.random() < 0.5 else "\x8c"
            self.emit(code, self.counted(code, text, {"X": "<I", "\x8d": "<Q", "T": "<I"}.get(code, "<B")))
            self.push("str")
        elif pick < 19:
            text = self.text()
            code = rng.choice("BC\x8e\x96")
            self.emit(code, self.counted(code, text, {"B": "<I", "C": "<B"}.get(code, "<Q")))
            self.push("bytearray" if code == "\x96" else "bytes")
        elif pick == 19:
            self.emit("\x97")
            self.push("bytearray")
        else:
            self.emit(rng.choice("N\x88\x89"))
            self.push("none")

    def hashable(self):
        count = len(self.parts), len(self.kinds)
        self.constant()
        while self.kinds[-1] == "bytearray":
            del self.parts[count[0]:], self.kinds[count[1]:]
            self.constant()

    def counted(self, code, text, pack):
        size = len(text)
        if self.rng.random() > self.sanity and self.rng.random() < 0.2:
            size = self.rng.choice((size + 1, 255, 200))
        return struct.pack(pack, size) + text

    def line(self, values, encoding="utf-8"):
        sane = self.rng.random() < self.sanity
        value = self.rng.choice(values[:4] if sane and values is not INTS else values[:8] if sane else values)
        return value.encode(encoding) + b"\n"

    def container(self):
        code = self.rng.choice(")]}\x8f(")
        self.emit(code)
        if code == "(":
            self.marks.append(len(self.kinds))
        else:
            self.push({")": "tuple", "]": "list", "}": "dict", "\x8f": "set"}[code])

    def call_global(self):
        rng = self.rng
        pick = rng.randrange(6)
        if pick < 2:
            self.emit("c", (self.name() + "\n" + self.name() + "\n").encode())
            self.push("object")
        elif pick < 4:
            for _ in range(2):
                text = self.name().encode()
                self.emit("\x8c", bytes([len(text)]) + text)
                if rng.random() < 0.2:
                    self.emit("\x94")
                    self.memo_size += 1
            self.emit("\x93")
            self.push("object")
        elif pick == 4:
            code = rng.choice(list(EXTENSIONS) if rng.random() < self.sanity else (0, 5))
            form = "\x82" if code < 256 and rng.random() < 0.7 else "\x83" if code < 65536 and rng.random() < 0.7 else "\x84"
            self.emit(form, code.to_bytes({"\x82": 1, "\x83": 2, "\x84": 4}[form], "little"))
            self.push("object")
        else:
            self.emit("P", rng.choice((b"id\n", b"\n", b"7\n")) if rng.random() < self.sanity else
                      rng.choice(("\u00e9\n".encode(), b"no end")))
            self.push("object")

    def above(self):
        return len(self.kinds) - (self.marks[-1] if self.marks else 0)

    def pop(self, count=1):
        for _ in range(count):
            if self.kinds:
                self.kinds.pop()

    def to_mark(self, kind):
        if self.marks:
            del self.kinds[self.marks.pop():]
        if kind:
            self.push(kind)

    def fits(self, *wanted):
        """Whether the topmost values are these, above the last mark; or it does not matter."""
        if self.rng.random() > self.sanity:
            return True
        top = self.kinds[len(self.kinds) - len(wanted):]
        return self.above() >= len(wanted) and all(w in ("any", t) for w, t in zip(wanted, top))

    def marked(self, below, count):
        """Whether a mark is there, with that much above it, and a fitting value below."""
        if self.rng.random() > self.sanity:
            return True
        if not self.marks or self.above() < count:
            return False
        at = self.marks[-1]
        floor = self.marks[-2] if len(self.marks) > 1 else 0
        return below is None or (at > floor and self.kinds[at - 1] in (below, "object"))

    def call(self):
        rng = self.rng
        pick = rng.randrange(7)
        if not (self.fits("object", "tuple") if pick < 3 else self.fits("object", "tuple", "dict") if pick == 3 else
                self.marked(None, 0) if pick == 4 else
                self.marked(None, 1) and self.kinds[self.marks[-1] if self.marks else 0:][:1] == ["object"] if pick == 5 else
                self.fits("object", "any")):
            return
        if pick < 3:
            self.emit(rng.choice("RR\x81"))
            self.pop(2)
            self.push("object")
        elif pick == 3:
            self.emit("\x92")
            self.pop(3)
            self.push("object")
        elif pick == 4:
            self.emit("i", (rng.choice(NAMES[:8]) + "\n" + rng.choice(NAMES) + "\n").encode())
            self.to_mark("object")
        elif pick == 5:
            self.emit("o")
            self.to_mark("object")
        else:
            self.emit("b")
            self.pop(1)

    def whole_call(self):
        """A callable, its arguments, and the call."""
        rng = self.rng
        form = rng.choice("R\x81\x92oib")
        if form in "oi":
            self.emit("(")
            self.marks.append(len(self.kinds))
            if form == "o":
                self.call_global()
            for _ in range(rng.randrange(3)):
                self.constant()
            if form == "o":
                self.emit("o")
            else:
                self.emit("i", (rng.choice(NAMES[:8]) + "\n" + rng.choice(NAMES[:8]) + "\n").encode())
            self.to_mark("object")
            return
        self.call_global()
        if form == "b":
            rng.choice((self.constant, self.constant, lambda: (self.emit("}"), self.push("dict"))))()
            self.emit("b")
            self.pop()
            return
        count = rng.randrange(4)
        for _ in range(count):
            self.constant()
        self.emit((")", "\x85", "\x86", "\x87")[count])
        self.pop(count)
        self.push("tuple")
        if form == "\x92":
            self.emit("}")
            if rng.random() < 0.5:
                self.emit("\x8c", b"\x01k")
                self.emit("N")
                self.emit("s")
        self.emit(form)
        self.pop()

    def gather(self):
        rng = self.rng
        pick = rng.randrange(12)
        if pick < 3 and not self.marked(None, 0):
            return
        if pick == 0:
            self.emit("t")
            self.to_mark("tuple")
        elif pick == 1:
            code = rng.choice("ld") if self.above() % 2 == 0 else "l"
            self.emit(code)
            self.to_mark("list" if code == "l" else "dict")
        elif pick == 2:
            self.emit("\x91")
            self.to_mark("frozenset")
        elif pick < 5:
            code = rng.choice("eu\x90")
            if not self.marked({"e": "list", "u": "dict", "\x90": "set"}[code], 0):
                return
            self.emit(code)
            self.to_mark(None)
        elif pick < 7:
            code = rng.choice("as")
            if not (self.fits("list", "any") if code == "a" else self.fits("dict", "any", "any")):
                return
            self.emit(code)
            self.pop(2 if code == "s" else 1)
        else:
            count = rng.randrange(1, 4)
            if self.above() >= count or rng.random() > self.sanity:
                self.emit((None, "\x85", "\x86", "\x87")[count])
                self.pop(count)
                self.push("tuple")

    def batch(self):
        """A container, a mark, items, and the opcode that fills it."""
        rng = self.rng
        form = rng.choice("eu\x90")
        self.emit({"e": "]", "u": "}", "\x90": "\x8f"}[form] if rng.random() < 0.8 else rng.choice("]}\x8f)N"))
        if rng.random() < 0.2:
            self.parts.pop()
            self.call_global()
        else:
            self.push("list")
        self.emit("(")
        self.marks.append(len(self.kinds))
        for _ in range(rng.choice((0, 1, 2, 2, 4, 4, 6, 70)) if form != "u" else rng.choice((0, 2, 2, 4, 6, 6, 80))):
            self.hashable() if rng.random() < self.sanity else self.constant()
        self.emit(form)
        self.to_mark(None)

    def memory(self):
        rng = self.rng
        pick = rng.randrange(10)
        if pick < 4:
            if self.protocol >= 4 or rng.random() < 0.3:
                self.emit("\x94")
                self.memo.append(self.memo_size)
            else:
                index = rng.choice((self.memo_size, self.memo_size, 200, 255, rng.randrange(20)))
                form = rng.choice("qrp")
                self.put(form, index)
                self.memo.append(index)
            self.memo_size += 1
        elif self.memo and pick < 9:
            index = rng.choice(self.memo)
            self.put({"q": "h", "r": "j", "p": "g"}[rng.choice("qrp")], index)
            self.push("any")
        elif pick == 9 and rng.random() > self.sanity:
            self.put(rng.choice("hjg"), rng.randrange(30))
            self.push("any")

    def put(self, form, index):
        if form in "qh":
            self.emit(form, bytes([index & 255]))
        elif form in "rj":
            self.emit(form, struct.pack("<I", index))
        else:
            texts = [str(index)] * (40 if self.rng.random() < self.sanity else 4) + [" %d" % index, "%d " % index, "0%d" % index, "-%d" % index, "+%d" % index, "", "x"]
            self.emit(form, self.rng.choice(texts).encode() + b"\n")

    def stack(self):
        code = self.rng.choice("0221(")
        if code in "02" and self.above() == 0 and not (code == "0" and self.marks) and self.rng.random() < self.sanity:
            return
        if code == "0" and self.marks and self.marks[-1] == len(self.kinds):
            self.marks.pop()
        elif code == "0":
            self.pop()
        elif code == "2" and self.kinds:
            self.push(self.kinds[-1])
        elif code == "1":
            if not self.marks and self.rng.random() < self.sanity:
                return
            self.to_mark(None)
        elif code == "(":
            self.marks.append(len(self.kinds))
        self.emit(code)

    def odd(self):
        rng = self.rng
        pick = rng.randrange(7)
        if pick == 0 and self.fits("bytearray"):
            self.emit("\x98")
        elif pick == 1:
            self.emit("\x80", bytes([rng.choice((0, 1, 2, 3, 4, 5) if rng.random() < self.sanity else (6, 255))]))
        elif pick == 2 and self.fits("any"):
            self.emit("Q")
            self.pop()
            self.push("object")
        elif pick == 3 and self.fits("str", "str"):
            self.emit("\x93")
            self.pop(2)
            self.push("object")
        elif pick == 4 and rng.random() > self.sanity:
            self.emit(chr(rng.randrange(256)))
        elif pick == 5 and rng.random() > self.sanity:
            self.emit(".")
        elif pick == 6:
            self.constant()
            if self.fits("bytearray") or self.kinds[-1] == "bytes":
                self.emit("\x98")

    def build(self, length):
        rng = self.rng
        steps = ((self.constant, 30), (self.container, 12), (self.call_global, 6), (self.call, 6), (self.whole_call, 10),
                 (self.gather, 16), (self.batch, 7), (self.memory, 14), (self.stack, 8), (self.odd, 1))
        for _ in range(length):
            step = rng.choices([s for s, _ in steps], [w for _, w in steps])[0]
            step()
        if self.marks and rng.random() < self.sanity:
            while self.marks:
                self.emit("1")
                self.to_mark(None)
        if not self.above():
            self.emit("N")
        if rng.random() < 0.95:
            self.emit(".")
        return self.framed()

    def framed(self):
        rng = self.rng
        head = b"" if self.protocol < 2 and rng.random() < 0.9 else b"\x80" + bytes([self.protocol])
        if self.protocol < 4 and rng.random() < 0.9:
            return head + b"".join(self.parts)
        data, at = head, 0
        while at < len(self.parts):
            size = rng.randrange(1, 12)
            part = b"".join(self.parts[at:at + size])
            at += size
            if rng.random() < 0.7:
                count = len(part)
                if rng.random() < 0.15:  # frames that end within an opcode, or do not fit the data
                    count = max(0, count + rng.choice((-3, -2, -1, 1, 2, 5, 40, 1000, -count)))
                part = b"\x95" + struct.pack("<Q", count) + part
            data += part
        return data


def program(seed):
    rng = random.Random(seed)
    sanity = rng.choice((1.0, 0.99, 0.95, 0.8))
    data = Program(rng, rng.randrange(6), sanity).build(rng.choice((3, 8, 20, 60)))
    if rng.random() < 0.1:  # damage
        data = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        data = bytes(data)
    if rng.random() < 0.05:
        data = data[:rng.randrange(len(data) + 1)]
    return data, rng.random() < 0.5


# --- comparison --------------------------------------------------------------------------------------------

def expand(lines):
    """The machine tells several items of a dict or a set in one event."""
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "setitem":
            yield from ["setitem"] * (int(rest) // 2)
        elif word == "add":
            yield from ["add"] * int(rest)
        else:
            yield line


def once(lines):
    """An extension code is looked up once, and cached."""
    seen = set()
    for line in lines:
        if not line.startswith("extension ") or line not in seen:
            yield line
        seen.add(line)


def differs(data, from_file, lines):
    """None where both sides agree; else what is different."""
    got = list(once(expand(lines[:-1])))
    word, how, consumed, values, *rest = lines[-1].split(" # ")[0].split(" ")
    want, (end, what), position = reference(data, from_file)
    if values == "values" and end == "error" and got[:len(want)] == want:
        return None  # CPython may stop where only the values decide: bytearray.extend, list[index] = item
    if what.startswith("MemoryError") and got[:len(want)] == want:
        return None  # a memo's index is an array's for CPython, and a number for the machine
    if "unregistered extension code" in what:
        # the machine has no registry: a code that nobody has registered is for the scanner to report
        return None if got[:len(want)] == want else "globals or calls before an extension code"
    if got != want:
        return "globals or calls"
    if how != end:
        return "end"
    if end == "stop" and rest and rest[0] not in (what, "?"):
        return "value"
    if position is not None and int(consumed) != position:
        return "position %d" % position
    return None


def run(trace, seeds, path):
    cases = [(seed,) + program(seed) for seed in seeds]
    with open(path, "wb") as file:
        for _, data, from_file in cases:
            file.write((b"F" if from_file else b"B") + struct.pack("<I", len(data)) + data)
    out = subprocess.run([trace, path], stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")
    failures, ends, events, at = 0, {"stop": 0, "error": 0}, 0, 0
    for seed, data, from_file in cases:
        first = at
        while not out[at].startswith("end "):
            at += 1
        lines = out[first:at + 1]
        at += 1
        ends[lines[-1].split(" ")[1]] += 1
        events += len(lines) - 1
        what = differs(data, from_file, lines)
        if what is not None:
            failures += 1
            if failures <= 10:
                print("seed %d, %s: %s differ\n  %r\n  CPython: %s\n  machine: %s" % (
                    seed, "file" if from_file else "bytes", what, data, reference(data, from_file), lines))
    print("%d programs, %d whole, %d that end with an error, %d events, %d differences" % (
        len(cases), ends["stop"], ends["error"], events, failures))
    return failures == 0 and ends["stop"] > len(cases) // 5 and events > len(cases)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trace")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--keep")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    for code, name in EXTENSIONS.items():
        copyreg.add_extension("extension", str(code), code)
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.keep or os.path.join(folder, "programs")
        return 0 if run(arguments.trace, range(arguments.seed, arguments.seed + arguments.count), path) else 1


if __name__ == "__main__":
    sys.exit(main())
