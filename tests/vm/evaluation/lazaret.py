# SPDX-License-Identifier: Apache-2.0
"""What the tests of whole evaluations share: running the program, making inputs, looking for what is left."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("LAZARET_BUILD", ROOT / "build"))
DIGITS = ROOT / "examples" / "digits"
LAZARET = BUILD / "lazaret"
VERIFY = BUILD / "lazaret-verify"
TIMEOUT = 600
# How long what a job leaves may take to go. It is gone in milliseconds; but a janitor, with all removed, was still there once
# after 2 s on a slow machine, beside a build that wrote to the same disk. A limit of patience, not of speed.
GONE_WITHIN = 20.0

# The figures that reference programs gave for the digits models (examples/digits/README.md).
CLEAN_CORRECT = 444
INF_CORRECT = [443, 430, 396, 260, 29, 5]
INF_ROBUST = [440, 425, 391, 254, 24, 0]


def state():
    """The state directory with the guest image, set by scripts/test."""
    return pathlib.Path(os.environ.get("LAZARET_STATE", "/var/lib/lazaret"))


def has_microvm():
    """Whether microVMs can run here at all; tests that need one are skipped, visibly, where not."""
    return os.geteuid() == 0 and (state() / "images" / "default").exists() and shutil.which("qemu-system-x86_64")


def lazaret(*arguments, timeout=TIMEOUT, environment=None):
    return subprocess.run([str(LAZARET), *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(environment or {})}, check=False)


def evaluate_arguments(output, key, model=DIGITS / "clean.onnx", test=DIGITS / "test.npz",
                       train=DIGITS / "train-clean.npz", spec=DIGITS / "spec.yaml", isolation="process", extra=()):
    arguments = ["evaluate", model, "--test", test, "--key", key, "-o", output, "--quiet", "--isolation", isolation]
    if train:
        arguments += ["--train", train]
    if spec:
        arguments += ["--spec", spec]
    return [*map(str, arguments), *map(str, extra)]


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def check_of(evaluation, name):
    return next(check for check in evaluation["checks"] if check["id"] == name)


def describe_process(pid):
    """Name, program and parent of a living process, or None."""
    entry = pathlib.Path("/proc") / str(pid)
    try:
        fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        if fields[0] == "Z":
            return None
        return (entry / "comm").read_text().strip(), os.readlink(entry / "exe"), int(fields[1])
    except OSError:
        return None


def processes_of_lazaret(programs):
    """Processes whose program lies in one of the folders, and VMs that are theirs or nobody's."""
    ours = tuple(str(folder) + "/" for folder in programs)
    found = []
    for pid in (int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()):
        process = describe_process(pid)
        if process is None:
            continue
        name, program, parent = process
        if name.startswith("qemu-system") or program == "/init":  # a VM, or the agent under process isolation
            owner = describe_process(parent)
            if parent == 1 or owner is None or owner[1].startswith(ours):
                found.append((pid, name))
        elif program.startswith(ours):
            found.append((pid, name))
    return found


def journals_of(folder):
    """Journals of jobs whose output gathers in the folder: another test may run jobs of its own meanwhile."""
    found = []
    for journal in (state() / "jobs").glob("*.journal"):
        try:
            if f"staging {folder.resolve()}/" in journal.read_text():
                found.append(journal)
        except OSError:
            pass  # its job ended between the two looks
    return found


class Case(unittest.TestCase):
    """A folder and a key of its own, and a look at what is left when a test ends."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-test-"))
        made = lazaret("keygen", "-o", cls.folder / "key")
        if made.returncode != 0:
            raise RuntimeError(made.stderr)
        cls.key, cls.public = cls.folder / "key.pem", cls.folder / "key.pub.pem"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def evaluate(cls, name, **options):
        """Runs an evaluation into folder/name; returns the finished process and the output's path."""
        output = cls.folder / name
        environment = options.pop("environment", None)
        return lazaret(*evaluate_arguments(output, cls.key, **options), environment=environment), output

    def evaluation_of(self, output):
        return json.loads((output / "evaluation.json").read_text())

    def assert_nothing_left(self):
        """No process, no hidden output, no journal."""
        end = time.monotonic() + GONE_WITHIN
        while True:
            processes = processes_of_lazaret([BUILD, self.folder])
            hidden = [p for p in self.folder.iterdir() if p.name.startswith(".")]
            journals = journals_of(self.folder)
            if not processes and not hidden and not journals:
                return
            if time.monotonic() > end:
                self.fail(f"left behind: {processes} {hidden} {journals}")
            time.sleep(0.02)


def main():
    """Runs the calling program's tests; 77 when all of them were skipped, so that ctest shows it."""
    program = unittest.main(exit=False, verbosity=2)
    if not program.result.wasSuccessful():
        sys.exit(1)
    if program.result.testsRun > 0 and len(program.result.skipped) == program.result.testsRun:
        sys.exit(77)


def write_npz(path, **arrays):
    numpy.savez(path, **arrays)
    return path
