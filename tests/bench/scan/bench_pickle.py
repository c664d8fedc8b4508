#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""CPU time of scanning pickles that are dense in opcodes: ours, and picklescan's algorithm in Python.

usage: bench_pickle.py [--scan build/bench/scan-files] [--size BYTES] [--sample BYTES]

The Python side walks pickletools.genops, remembers strings and the memo, and collects the names of GLOBAL, INST and
STACK_GLOBAL, as the scanners in wide use do. It sees a sample of the same kind, as the whole would take minutes; both
rates are bytes of pickle a second of CPU time.
"""
import argparse
import os
import pickletools
import resource
import subprocess
import sys
import tempfile
import time

GENERATOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dense_pickle.py")


def names_of(data):
    """What a scanner over pickletools lists: (module, name) of every global."""
    found, strings, memo, last = set(), [], {}, None
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name == "MEMOIZE":
            memo[len(memo)] = last
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[argument] = last
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            last = memo.get(argument)
            strings.append(last)
        elif name in ("GLOBAL", "INST"):
            found.add(tuple(argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            found.add(tuple(strings[-2:]))
        elif isinstance(argument, str):
            last = argument
            strings.append(argument)
        else:
            last = None
    return found


def generate(kind, size, path):
    subprocess.run([sys.executable, GENERATOR, kind, str(size), path], check=True)


def ours(program, path):
    """Seconds of CPU time, and the peak of memory in MiB, the file's pages apart where they are mapped."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, path], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scan", default="build/bench/scan-files")
    parser.add_argument("--size", type=int, default=47_000_000)
    parser.add_argument("--sample", type=int, default=2_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("rows", "mixed"):
            path = os.path.join(folder, kind)
            generate(kind, arguments.size, path)
            seconds = min(ours(arguments.scan, path) for _ in range(3))
            rate = os.path.getsize(path) / seconds / 1e6
            generate(kind, arguments.sample, path)
            with open(path, "rb") as file:
                data = file.read()
            start = time.process_time()
            names_of(data)
            python = len(data) / (time.process_time() - start) / 1e6
            print("%-6s ours %7.1f MB/s, pickletools %6.2f MB/s, ratio %.0f" % (kind, rate, python, rate / python))


if __name__ == "__main__":
    main()
