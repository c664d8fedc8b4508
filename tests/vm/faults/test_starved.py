# SPDX-License-Identifier: Apache-2.0
"""
Disks that are full, memory and descriptors that are short, terminals that close, clocks that jump, signals, and two at one
place: each ends with a whole result or with none, with the true reason, and leaves nothing.
"""
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import time
import unittest

from faults import STEPS, Faults, Job, outcome_of
from lazaret import GONE_WITHIN, LAZARET, evaluate_arguments, lazaret, main

LONG = os.environ.get("LAZARET_FAULTS") == "long"
KIB = 1024


def mount_tmpfs(path, options):
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "small", path], check=True)
    return path


def unmount(path):
    subprocess.run(["umount", "--lazy", path], check=True)
    path.rmdir()


class Starved(Faults):
    def try_one(self, fault, where, allowed, expect=(), **options):
        before = self.look()
        began = time.monotonic()
        self.count = getattr(self, "count", 0) + 1
        job = Job(self, f"{type(self).__name__}-{self.id().rsplit('.')[-1]}-{self.count}", **options)
        status = self.judge(job, before, fault, where, allowed, began, expect)
        return job, status


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Disk(Starved):
    def sweep(self, fault, sizes, place, options, allowed, **job):
        """Ever larger disks, until one is large enough; which files did not fit."""
        named = set()
        for size in sizes:
            with self.subTest(size=size):
                mount_tmpfs(place, options.format(size))
                try:
                    job_, status = self.try_one(fault, f"{options.format(size)}", [(0, "")] + allowed, **job)
                    if status == 0:
                        shutil.rmtree(job_.output)
                        return named
                    named.add(job_.message().split("for ")[-1].split(";")[0].strip())
                finally:
                    unmount(place)
        self.fail(f"{fault}: {sizes[-1]} is not enough")
        return named

    def test_output(self):
        """The output's disk: it is the file that did not fit which is named, and nothing stays."""
        place = self.folder / "disk"
        sizes = [*range(4, 200, 4 if LONG else 20), 4096]
        named = self.sweep("output's disk full", sizes, place, "size={}k", [(69, "no space left for .*; free some")],
                           output=place / "out")
        self.assertGreaterEqual(len(named), 2, named)

    def test_output_inodes(self):
        place = self.folder / "disk"
        named = self.sweep("output's disk without inodes", range(1, 40, 1 if LONG else 3), place, "nr_inodes={}",
                           [(69, "no space left|No space left")], output=place / "out")
        self.assertGreaterEqual(len(named), 3, named)

    def test_state(self):
        """The state directory's: no journal, no job."""
        place = self.folder / "state"
        self.sweep("state's disk without inodes", range(1, 8), place, "nr_inodes={}",
                   [(69, "No space left on device|no space left")], environment={"LAZARET_STATE": str(place)},
                   expect=[place])
        mount_tmpfs(place, "size=8k")
        try:
            with open(place / "filler", "wb", buffering=0) as filler:
                filler.write(b"x" * 8 * KIB)
            self.try_one("state's disk full", "0 bytes left", [(69, "no space left for the journal")],
                         environment={"LAZARET_STATE": str(place)}, expect=[place / "jobs"])
        finally:
            unmount(place)

    def test_tmp(self):
        """/tmp full: nothing of a job needs it."""
        filler = pathlib.Path("/tmp/filler")
        subprocess.run(["mount", "-o", "remount,size=64m", "/tmp"], check=True)
        inside = self.folder
        try:
            type(self).folder = pathlib.Path(shutil.copytree(inside, f"/run/{inside.name}"))
            type(self).key, type(self).public = self.folder / "key.pem", self.folder / "key.pub.pem"
            type(self).ledger = self.folder / "log"
            with open(filler, "wb", buffering=0) as file:
                try:
                    while file.write(b"x" * KIB * KIB):
                        pass
                except OSError:
                    pass
            self.try_one("/tmp full", "0 bytes left", [(0, "")])
        finally:
            filler.unlink()
            subprocess.run(["mount", "-o", "remount,size=50%", "/tmp"], check=True)
            shutil.rmtree(self.folder)
            type(self).folder, type(self).ledger = inside, inside / "log"
            type(self).key, type(self).public = inside / "key.pem", inside / "key.pub.pem"

    def test_ledger(self):
        """The ledger's: what was acknowledged is there, what was not is not claimed; with room again it goes on."""
        place, kept, count = self.folder / "ledger-disk", self.ledger, 0
        mount_tmpfs(place, "size=160k")
        try:
            subprocess.run(["cp", "-r", f"{kept}", f"{place}/log"], check=True)
            shutil.copy(f"{kept}.pem", place / "log.pem")
            type(self).ledger = place / "log"
            filler = open(place / "filler", "wb", buffering=0)
            while count < 60:
                job, status = self.try_one("ledger's disk full", "160 KiB", [(0, ""), (69, "(?i)no space left")])
                count += 1
                self.verify_ledger()
                if status != 0:
                    break
                filler.write(b"x" * 8 * KIB)
            filler.close()
            self.assertEqual(status, 69, "it was never full")
            subprocess.run(["mount", "-o", "remount,size=4m", place], check=True)
            before = self.verify_ledger()
            self.try_one("ledger's disk with room again", "4 MiB", [(0, "")])
            self.assertGreaterEqual(self.verify_ledger(), before + 2)
        finally:
            type(self).ledger, type(self).leaves = kept, 0
            unmount(place)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Short(Starved):
    """Memory and descriptors that are short: refused, not crashed."""
    # 127: the dynamic linker itself had no room for the libraries.
    REFUSED = [(0, ""), (3, "."), (69, "."), (70, "."), (127, ".")]

    def limited(self, fault, option, values):
        seen = set()
        for value in values:
            with self.subTest(value):
                prefix = ["sh", "-c", f'ulimit {option} {value}; exec "$@"', "sh"]
                seen.add(self.try_one(fault, f"ulimit {option} {value}", self.REFUSED, prefix=prefix)[1])
        self.assertIn(0, seen, f"{fault}: never enough")
        self.assertGreater(len(seen), 1, f"{fault}: always enough")

    def test_address_space(self):
        self.limited("address space short", "-v", [*range(6000, 60000, 3000 if LONG else 12000), 100000, 300000, 4000000])

    def test_descriptors(self):
        self.limited("descriptors short", "-n", [*range(4, 40, 1 if LONG else 6), 1024])

    def test_file_size(self):
        """As a full disk; the signal that the kernel sends besides ends nothing."""
        prefix = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh"]
        self.try_one("file size limited", "ulimit -f 8", [(69, "File too large")], prefix=prefix)

    def test_cgroup(self):
        """The kernel kills something of the job: a signed result that says so, or none."""
        folder = pathlib.Path("/sys/fs/cgroup/memory") / f"faults-{os.getpid()}-{time.monotonic_ns()}"
        try:
            folder.mkdir()
            (folder / "memory.limit_in_bytes").write_text("64M")
        except OSError as error:
            self.skipTest(f"no memory cgroup to limit (version 1): {error}")
        seen = set()
        try:
            for mib in (*range(2, 26, 2 if LONG else 6), 256):
                (folder / "memory.limit_in_bytes").write_text(f"{mib}M")
                prefix = ["sh", "-c", f'echo $$ >{folder}/cgroup.procs; exec "$@"', "sh"]
                allowed = [*self.REFUSED, (-signal.SIGKILL, "")]
                with self.subTest(mib):
                    seen.add(self.try_one("memory cgroup short", f"{mib} MiB", allowed, prefix=prefix)[1])
        finally:
            folder.rmdir()
        self.assertIn(0, seen)
        self.assertGreater(len(seen), 1)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Terminal(Starved):
    def test_closed(self):
        """The terminal closes while a job runs in its foreground: it ends, and nothing is left."""
        before = self.look()
        controller, terminal = pty.openpty()
        began = time.monotonic()
        job = Job(self, "hangup", gate="phase check fgsm", prefix=["setsid", "--ctty"],
                  streams={"stdin": terminal, "stdout": terminal, "stderr": terminal})
        os.close(terminal)
        self.assertTrue(job.wait_at_gate())
        os.close(controller)
        job.go_on()
        self.judge(job, before, "terminal closed", "phase check fgsm", [(-signal.SIGHUP, "")], began)

    def test_no_streams(self):
        """Started with standard descriptors closed: no file of the job takes their place."""
        prefix = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
        job, _ = self.try_one("standard descriptors closed", "from the start", [(0, ""), (69, "")], prefix=prefix)
        self.assertTrue(job.output.exists())
        self.assert_whole(job.output)
        for line in (job.output / "events.jsonl").read_text().splitlines():
            json.loads(line)

    def run_loud(self, name, **streams):
        """Without --quiet: it has progress to tell."""
        arguments = [argument for argument in evaluate_arguments(self.folder / name, self.key, train=None,
                     extra=["--policy", self.policy()]) if argument != "--quiet"]
        return subprocess.Popen([str(LAZARET), *arguments], **streams), self.folder / name

    def test_broken_pipe(self):
        """Who stops reading what it says does not stop the job."""
        for which in ("stdout", "stderr"):
            with self.subTest(which):
                before = self.look()
                reading, writing = os.pipe()
                os.close(reading)
                streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, which: writing}
                process, output = self.run_loud(f"broken-{which}", **streams)
                os.close(writing)
                status = process.wait()
                self.assertEqual(status, 69 if which == "stdout" else 0)
                self.assert_whole(output)
                left = before.compare([output], settle=GONE_WITHIN)
                self.table.add(f"broken pipe at {which}", "from the start", outcome_of(status), 0, left)
                self.assertEqual(left, [])

    def test_full_device(self):
        """A verdict that could not be told is no success, though the result is there."""
        with open("/dev/full", "w") as full:
            process, output = self.run_loud("full", stdout=full, stderr=subprocess.PIPE)
            said = process.communicate()[1].decode()
        self.assertEqual(process.returncode, 69, said)
        self.assertIn("standard output can't be written", said)
        self.assert_whole(output)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Signals(Starved):
    def test_each_step(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            for point in [*STEPS, "phase check fgsm", "renamed"] if LONG else ["step staging", "step conversation", "step sign",
                                                                               "step commit"]:
                with self.subTest(number=number, point=point):
                    before = self.look()
                    job = Job(self, f"{number.name}-{point}".replace(" ", "-"), gate=point)
                    self.assertTrue(job.wait_at_gate())
                    began = time.monotonic()
                    os.kill(job.pid, number)
                    job.go_on()
                    self.judge(job, before, f"{number.name} of the monitor", point, [(-number, "")], began)

    def test_interrupt_at_a_terminal(self):
        """Ctrl-C goes to the whole foreground group: helpers as well."""
        before = self.look()
        began = time.monotonic()
        job = Job(self, "group", gate="phase check fgsm", streams={"start_new_session": True})
        self.assertTrue(job.wait_at_gate())
        os.killpg(job.pid, signal.SIGINT)
        job.go_on()
        self.judge(job, before, "SIGINT of the process group", "phase check fgsm", [(-signal.SIGINT, "")], began)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Clock(Starved):
    def test_jumps(self):
        """CLOCK_REALTIME goes years ahead or back in the middle of a job: it takes as long as ever, and its dates agree."""
        day = 86400
        for jump in (3650 * day, -3650 * day, 3600, -3600):
            for point in ("step boot", "phase check fgsm", "step sign") if LONG else ("phase check fgsm",):
                with self.subTest(jump=jump, point=point):
                    job, _ = self.try_one(f"clock jumps by {jump} s", point, [(0, "")], gate=point, jump=jump)
                    phases = json.loads((job.output / "execution.json").read_text())["phases"]
                    self.assertTrue(all(0 <= float(phase["wallSeconds"]) < 60 for phase in phases), phases)
                    last = -1.0
                    for line in (job.output / "events.jsonl").read_text().splitlines():
                        self.assertGreaterEqual(float(json.loads(line)["wallSeconds"]), last)
                        last = float(json.loads(line)["wallSeconds"])
                    shown = lazaret("verify", job.output, "--key", self.public, "--json")
                    self.assertEqual(shown.returncode, 0, shown.stdout + shown.stderr)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Two(Starved):
    def pair(self, first, second, point):
        """Two jobs that stop at the same point and go on at the same time."""
        jobs = []
        for name, options in (("a", first), ("b", second)):
            jobs.append(Job(self, f"two-{name}-{point.replace(' ', '-')}", gate=point, **options))
            self.assertTrue(jobs[-1].wait_at_gate(), point)
        for job in jobs:
            job.go_on()
        return jobs, sorted(job.wait() for job in jobs)

    def test_one_output(self):
        for point in ("made", "step boot", "step commit"):
            with self.subTest(point):
                before, began = self.look(), time.monotonic()
                output = self.folder / f"one-{point.replace(' ', '-')}"
                jobs, statuses = self.pair({"output": output}, {"output": output}, point)
                left = before.compare([output, self.ledger, f"{self.folder}-errors", f"{self.folder}-said"], settle=GONE_WITHIN)
                self.table.add("two jobs, one output", point, " and ".join(map(outcome_of, statuses)),
                               time.monotonic() - began, left)
                self.assertEqual((statuses, left), ([0, 64], []))
                self.assertIn("has been made meanwhile", jobs[0].message())
                self.assert_whole(output)

    def test_one_state_and_ledger(self):
        """Also while one has only begun: the other's reaper lets what is alive alone."""
        for point in ("made", "step staging", "step announce", "step append"):
            with self.subTest(point):
                before, began = self.look(), time.monotonic()
                leaves = self.verify_ledger()
                jobs, statuses = self.pair({}, {}, point)
                outputs = [job.output for job in jobs]
                left = before.compare([*outputs, self.ledger, f"{self.folder}-errors", f"{self.folder}-said"], settle=GONE_WITHIN)
                self.table.add("two jobs, one state directory and ledger", point, " and ".join(map(outcome_of, statuses)),
                               time.monotonic() - began, left)
                self.assertEqual((statuses, left), ([0, 0], []), jobs[0].message())
                self.assertEqual(self.verify_ledger(), leaves + 4)
                for output in outputs:
                    self.assert_whole(output)


if __name__ == "__main__":
    main()
