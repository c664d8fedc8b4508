#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: bench_torch_zip.py [--scan-files PROGRAM] [--mebibytes N] [--random] [--folder FOLDER]

A torch archive of N MiB of weights (1024), written as torch.save writes it, and scanned: our time, the time that
merely reading the file takes, and the most memory besides the file that the scan held (RssAnon). Exits with 1 where
the scan takes more than a second beyond reading, more than 64 MiB, or finds anything in it.
"""
import argparse
import os
import pickle
import subprocess
import sys
import tempfile
import time
import zipfile

MEMORY_MAX = 64 << 20
SECONDS_MAX = 1.0
STORAGES = 64


class Storage:
    """Stands for a storage in the pickle: torch writes a persistent id for it."""

    def __init__(self, key, count):
        self.key = key
        self.count = count


class Pickler(pickle._Pickler):  # pylint: disable=protected-access
    def persistent_id(self, obj):
        return ("storage", "FloatStorage", obj.key, "cpu", obj.count) if isinstance(obj, Storage) else None


def write_archive(path, mebibytes, random):
    size = mebibytes * (1 << 20) // STORAGES
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        with archive.open("archive/data.pkl", "w") as member:
            Pickler(member, 2).dump({f"layer.{i}": Storage(str(i), size // 4) for i in range(STORAGES)})
        for i in range(STORAGES):
            with archive.open(f"archive/data/{i}", "w") as member:
                for done in range(0, size, 1 << 20):
                    part = min(1 << 20, size - done)
                    member.write(os.urandom(part) if random else bytes(part))
        archive.writestr("archive/version", "3\n")


def read_all(path):
    start = time.monotonic()
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(1 << 20)
        while file.readinto(buffer):
            pass
    return time.monotonic() - start


def anonymous(pid):
    """Bytes of a process's memory that are no file's."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) << 10
    except OSError:
        pass
    return 0


def scan(program, path):
    start = time.monotonic()
    with subprocess.Popen([program, path], stdout=subprocess.PIPE, text=True) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, anonymous(process.pid))
            time.sleep(0.0005)
        seconds = time.monotonic() - start
        return seconds, peak, process.stdout.read().strip(), process.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scan-files", default="build/bench/scan-files")
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--random", action="store_true", help="random weights rather than zeros")
    parser.add_argument("--folder", help="where the archive is written (the system's temporary folder)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = os.path.join(folder, "model.pt")
        write_archive(path, arguments.mebibytes, arguments.random)
        read_all(path)  # into the page cache, so that both are measured alike
        reading = read_all(path)
        seconds, peak, line, status = scan(arguments.scan_files, path)
    verdict = line.split("\t")[1] if "\t" in line else "none"
    print(f"torch zip of {arguments.mebibytes} MiB: scan {seconds:.3f} s, reading {reading:.3f} s, "
          f"memory besides the file {peak / (1 << 20):.1f} MiB, verdict {verdict}")
    failed = status != 0 or verdict == "dangerous" or seconds > SECONDS_MAX + reading or peak > MEMORY_MAX
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
