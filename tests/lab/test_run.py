#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What tests/lab/run makes of machines that fail, hang or can't be had: with small programs in the place of QEMU and the cases."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import pathlib
import shutil
import signal
import stat
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
try:
    import numpy  # noqa: F401
except ImportError:
    print("numpy is not installed, which tests/lab/run needs")
    sys.exit(77)
loader = importlib.machinery.SourceFileLoader("lab_run", str(HERE / "run"))
lab = importlib.util.module_from_spec(importlib.util.spec_from_loader("lab_run", loader))
loader.exec_module(lab)

# What QEMU would: a console and a result, by what the job says of its case. It is called as QEMU is, with all options.
MACHINE = '''#!/usr/bin/python3
import io, pathlib, sys, tarfile
words = sys.argv[1:]
console = next(word[5:] for word in words if word.startswith("file:") and word.endswith("/console"))
folder = pathlib.Path(console).parent
with tarfile.open(folder / "job.tar") as tar:
    settings = dict(line.split("=", 1) for line in tar.extractfile("case").read().decode().splitlines())
assert ("-icount" in words) == (settings["CLOCK"] == "counted"), words
def end(text, console_of_guest=b""):
    with tarfile.open(folder / "result.tar", "w") as tar:
        entry = tarfile.TarInfo("out/job/console.log")
        entry.size = len(console_of_guest)
        tar.addfile(entry, io.BytesIO(console_of_guest))
    pathlib.Path(console).write_text("LAB began 1.5\\n" + text + "LAB written\\n")
    sys.exit(0)
name, clock = settings["NAME"], settings["CLOCK"]
if name == "good" or name == "by-the-other-clock" and clock == "real":
    end(f"LAB passed: by the {clock} clock\\nLAB ended 0 6.9\\n")
if name == "by-the-other-clock":
    end("LAB passed: half of it\\nLAB FAILED: a guest was reset\\nLAB ended 0 6.9\\n", b"Kernel panic - not syncing\\n")
if name == "silent":
    end("LAB ended 0 2.0\\n")
if name == "out-of-time":
    end("LAB passed: its start\\nLAB ended 137 240\\n")
while name == "spins":
    pass
if name == "waits":
    import os, time
    pathlib.Path(__file__).with_name("pid").write_text(str(os.getpid()))
    time.sleep(1000)
print("no such machine")
sys.exit(1)
'''


class Runs(unittest.TestCase):
    """Each test has a folder with cases, a build and a machine of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lab-run-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        image = self.folder / "state" / "images" / "0123"
        for folder in (self.folder / "cases", self.folder / "bin", self.folder / "build", self.folder / "lab", image,
                       self.folder / "examples" / "digits"):
            folder.mkdir(parents=True)
        machine = self.folder / "bin" / "qemu-system-x86_64"
        machine.write_text(MACHINE)
        machine.chmod(machine.stat().st_mode | stat.S_IXUSR)
        (image.parent / "default").write_text("0123\n")
        for file in (*(self.folder / "build" / name for name in lab.PROGRAMS), *(self.folder / name for name in lab.SHARED),
                     *(image / name for name in ("manifest.json", "initramfs.cpio", "agent")), self.folder / "lab" / "few.npz",
                     self.folder / "lab" / "key.pem", self.folder / "lab" / "key.pub.pem"):
            file.write_text("{}")
        for name, value in {"HERE": self.folder, "ROOT": self.folder, "BUILD": self.folder / "build", "LAB": self.folder / "lab",
                            "WALL_FACTOR": 3, "prepare": lambda: (self.folder / "base-1.img", image)}.items():
            patch = mock.patch.object(lab, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        path = mock.patch.dict(os.environ, {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"})
        path.start()
        self.addCleanup(path.stop)

    def case(self, name, *headers, after=None):
        (self.folder / "cases" / name).write_text("".join(f"# lab: {line}\n" for line in headers))
        if after:
            path = self.folder / "cases" / f"{name}.after"
            path.write_text(f"#!/bin/sh\n{after}\n")
            path.chmod(0o755)

    def run_lab(self, *words):
        """The exit status and what was printed."""
        said = io.StringIO()
        with mock.patch.object(sys, "argv", ["run", *words]), contextlib.redirect_stdout(said):
            status = lab.main()
        return status, said.getvalue()

    def row(self, said, name):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in said.splitlines() if line.startswith(f"| {name} ")]
        self.assertEqual(1, len(rows), said)
        return rows[0]

    def test_all_that_pass(self):
        self.case("good", after='echo "LAB passed: on the host $(ls $1/job)"')
        status, said = self.run_lab()
        self.assertEqual(0, status, said)
        self.assertEqual(["good", "passed", "2", "0", "1", "counted"], self.row(said, "good")[:6])
        self.assertIn("passed: good: on the host console.log", said)
        self.assertTrue(said.endswith("\n1 passed, 0 failed\n"), said)

    def test_a_second_try_has_the_other_clock_and_consoles_are_shown(self):
        self.case("by-the-other-clock")
        status, said = self.run_lab("--tries", "2")
        self.assertEqual(0, status, said)
        self.assertIn("FAILED: by-the-other-clock: a guest was reset", said)
        self.assertIn("lab: job/console.log:\nKernel panic - not syncing\n", said)
        self.assertIn("lab: by-the-other-clock: try 1 of 2 failed", said)
        self.assertIn("passed: by-the-other-clock: by the real clock", said)
        self.assertEqual(["by-the-other-clock", "passed", "1", "0", "2", "real"], self.row(said, "by-the-other-clock")[:6])
        status, said = self.run_lab()
        self.assertEqual(1, status, said)
        self.assertEqual(["by-the-other-clock", "failed", "1", "1", "1", "counted"], self.row(said, "by-the-other-clock")[:6])

    def test_the_header_says_real_and_the_second_try_is_counted(self):
        self.case("by-the-other-clock", "clock real")
        status, said = self.run_lab("--tries", "3")
        self.assertEqual(0, status, said)
        self.assertEqual("real", self.row(said, "by-the-other-clock")[5])

    def test_what_hangs_ends_by_its_limit_and_the_rest_goes_on(self):
        self.case("a-spins", "limit 1")
        self.case("b-waits", "limit 1")
        self.case("c-after", "limit 1", after="sleep 1000")
        self.case("good")
        for old, new in (("a-spins", "spins"), ("b-waits", "waits"), ("c-after", "good")):
            with open(self.folder / "bin" / "qemu-system-x86_64", "a+") as machine:
                machine.seek(0)
                text = machine.read().replace('name, clock = settings["NAME"]', f'settings["NAME"] = "{new}" if settings["NAME"] == '
                                              f'"{old}" else settings["NAME"]\nname, clock = settings["NAME"]')
                machine.truncate(0)
                machine.write(text)
        status, said = self.run_lab()
        self.assertEqual(1, status, said)
        for name in ("a-spins", "b-waits"):
            self.assertIn(f"FAILED: {name}: the machine ran to its end", said)
        self.assertIn("FAILED: c-after: c-after.after ended with 0, not with ", said)
        self.assertIn(": its time was up", said)
        self.assertEqual("failed", self.row(said, "c-after")[1])
        self.assertEqual("passed", self.row(said, "good")[1])
        self.assertTrue(said.endswith("\n1 passed, 3 failed\n"), said)

    def test_cases_that_prove_nothing_fail(self):
        self.case("silent")
        self.case("out-of-time")
        self.case("unmade", "file not/there")
        self.case("wrong", "clock of-sand")
        self.case("dies")
        status, said = self.run_lab("silent", "out-of-time", "unmade", "wrong", "dies")
        self.assertEqual(1, status, said)
        self.assertIn("FAILED: silent: the case says what passed", said)
        self.assertIn("FAILED: out-of-time: the case ended with 0, not with 137: its time was up", said)
        self.assertIn("FAILED: unmade: it could be tried: lab: unmade: ", said)
        self.assertIn("FAILED: dies: the machine ran to its end (QEMU gave 1: no such machine)", said)
        self.assertIn("FAILED: wrong: it could be tried: lab: ", said)
        self.assertTrue(said.endswith("\n0 passed, 5 failed\n"), said)

    def test_resume_leaves_out_what_passed_with_the_same_build(self):
        self.case("good")
        self.case("silent")
        self.assertEqual(1, self.run_lab()[0])
        status, said = self.run_lab("--resume")
        self.assertEqual(1, status, said)
        self.assertIn("lab: good: passed before with this build", said)
        self.assertNotIn("passed: good: by the", said)
        self.assertIn("FAILED: silent", said)
        self.assertTrue(said.endswith("\n1 passed, 1 failed\n"), said)
        (self.folder / "build" / "lazaret").write_text("another build")
        self.assertIn("passed: good: by the counted clock", self.run_lab("--resume", "good")[1])
        self.case("good", "memory 2000")
        self.assertIn("passed: good: by the counted clock", self.run_lab("--resume", "good")[1])
        self.assertIn("passed: good: by the counted clock", self.run_lab("good")[1])

    def test_an_interrupted_run_says_what_was_not_run(self):
        self.case("good")
        self.case("silent")
        with mock.patch.object(lab, "boot", side_effect=KeyboardInterrupt):
            status, said = self.run_lab()
        self.assertEqual(1, status, said)
        self.assertEqual("not run", self.row(said, "silent")[1])
        self.assertTrue(said.endswith("\n0 passed, 2 failed\n"), said)

    def test_a_run_that_is_ended_takes_its_machine_with_it(self):
        self.case("waits", "limit 100")
        self.case("zeroth-of-none")
        pid = self.folder / "bin" / "pid"

        def end_it():
            until = time.monotonic() + 60
            while not (pid.exists() and pid.read_text()) and time.monotonic() < until:
                time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGTERM)

        before = signal.getsignal(signal.SIGTERM)
        self.addCleanup(signal.signal, signal.SIGTERM, before)
        threading.Thread(target=end_it).start()
        status, said = self.run_lab()
        self.assertEqual(1, status, said)
        self.assertIn("lab: interrupted; --resume goes on", said)
        self.assertEqual("not run", self.row(said, "waits")[1])
        until = time.monotonic() + 60
        while self.lives(pid.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        self.assertFalse(self.lives(pid.read_text()), "the machine still runs")

    def lives(self, pid):
        """Whether that process runs: not gone, nor ended and not yet waited for."""
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    def test_no_such_case(self):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(64, self.run_lab("good")[0])
        self.assertIn("no such case: good", said.getvalue())


if __name__ == "__main__":
    unittest.main()
