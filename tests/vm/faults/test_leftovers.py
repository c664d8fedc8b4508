# SPDX-License-Identifier: Apache-2.0
"""tests/vm/leftovers.py sees each kind of thing that can be left, names it, and sees that it is gone."""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from leftovers import Leftovers  # noqa: E402

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "leftovers.py"
SETTLE = 30  # seconds: tells what stays from what is on its way out on a slow machine
libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def process():
    child = subprocess.Popen(["sleep", "60"])
    yield "(sleep [sleep 60])"
    child.kill()
    child.wait()


def started(*command):
    """A shell that says so once it is where it is to stay."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    child.stdout.readline()
    child.stdout.close()
    return child


@contextlib.contextmanager
def namespace_of_a_process():
    """A mount in a mount namespace that we are not in, a socket in a network that we are not in."""
    child = started("unshare", "--mount", "--net", "sh", "-c", "mount -t tmpfs hidden /mnt && echo && exec sleep 60")
    yield "tmpfs hidden /"
    child.kill()
    child.wait()


@contextlib.contextmanager
def kept_namespace():
    """A namespace without a process, that a descriptor keeps."""
    child = started("unshare", "--uts", "sh", "-c", "echo && exec sleep 60")
    keeper = started("sh", "-c", f"exec 9</proc/{child.pid}/ns/uts && echo && exec sleep 61")
    child.kill()
    child.wait()
    yield "kept by a descriptor"
    keeper.kill()
    keeper.wait()


@contextlib.contextmanager
def unix_socket(address):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        yield "@left" if address.startswith("\0") else address
    if not address.startswith("\0"):
        os.unlink(address)


@contextlib.contextmanager
def network_socket():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield "0100007F:"


@contextlib.contextmanager
def file_in(folder):
    path = pathlib.Path(folder) / "left-behind"
    path.write_text("x")
    yield str(path)
    path.unlink()


@contextlib.contextmanager
def changed_file():
    path = pathlib.Path("/tmp/was-there")
    path.write_text("longer than it was")
    yield "18 bytes"
    path.write_text("short")


@contextlib.contextmanager
def lock():
    with open("/tmp/was-there") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield "lock of /tmp/was-there"


@contextlib.contextmanager
def shared_memory():
    identity = libc.shmget(0x1A2A, 4096, 0o1600)
    yield f"System V shm {identity}"
    libc.shmctl(identity, 0, None)


@contextlib.contextmanager
def cgroup_with_a_process():
    folder = pathlib.Path("/sys/fs/cgroup/pids" if os.path.isdir("/sys/fs/cgroup/pids") else "/sys/fs/cgroup")
    folder = folder / f"left-{os.getpid()}-{time.monotonic_ns()}"
    folder.mkdir()
    child = subprocess.Popen(["sleep", "60"])
    (folder / "cgroup.procs").write_text(str(child.pid))
    yield f"{folder}: came (with processes)"
    child.kill()
    child.wait()
    folder.rmdir()


CASES = {
    "process": process,
    "mount namespace": namespace_of_a_process,
    "kept namespace": kept_namespace,
    "named socket": lambda: unix_socket("/tmp/left.sock"),
    "abstract socket": lambda: unix_socket("\0left"),
    "network socket": network_socket,
    "file in /tmp": lambda: file_in("/tmp"),
    "file in /run": lambda: file_in("/run"),
    "file in /dev/shm": lambda: file_in("/dev/shm"),
    "file in the state directory": lambda: file_in(os.environ["LAZARET_STATE"]),
    "changed file": changed_file,
    "lock": lock,
    "shared memory": shared_memory,
    "cgroup": cgroup_with_a_process,
}


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Sees(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.makedirs("/tmp/state", exist_ok=True)
        os.environ["LAZARET_STATE"] = "/tmp/state"
        pathlib.Path("/tmp/was-there").write_text("short")

    def test_each_kind(self):
        for name, case in CASES.items():
            with self.subTest(name):
                before = Leftovers()
                with case() as mark:
                    different = before.compare()
                    self.assertTrue(any(mark in line for line in different), f"{mark!r} is not in {different}")
                self.assertEqual(before.compare(settle=SETTLE), [])

    def test_nothing(self):
        self.assertEqual(Leftovers().compare(), [])

    def test_expected(self):
        before = Leftovers()
        with file_in("/tmp"):
            self.assertEqual(before.compare(expect=["/tmp/left-behind"]), [])
            self.assertEqual(len(before.compare(expect=["/tmp/left"])), 1)

    def test_gone(self):
        with file_in("/tmp"):
            before = Leftovers()
        self.assertIn("went", before.compare()[0])

    def test_tolerated(self):
        """An empty cgroup waits for the reaper; an ended process for init: no difference, but not unseen."""
        before = Leftovers()
        orphan = subprocess.Popen(["sh", "-c", "sleep 0.1 & exec sleep 0"])  # init is this test, which does not collect
        orphan.wait()
        folder = pathlib.Path("/sys/fs/cgroup/pids" if os.path.isdir("/sys/fs/cgroup/pids") else "/sys/fs/cgroup")
        folder = folder / f"empty-{time.monotonic_ns()}"
        folder.mkdir()
        self.assertEqual(before.compare(settle=SETTLE), [])
        _, tolerated = before.differences()
        folder.rmdir()
        self.assertTrue(any(str(folder) in line for line in tolerated), tolerated)
        self.assertEqual(before.compare(), [])

    def test_program(self):
        """As a command: a saved look, a comparison by another process, and its status."""
        def run(*arguments):
            return subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, check=False)

        self.assertEqual(run("save", "/tmp/look.json").returncode, 0)
        with file_in("/run"):
            left = run("compare", "/tmp/look.json", "--settle", "0")
            self.assertEqual((left.returncode, left.stdout.splitlines()[-1]), (1, "1 left behind"))
            self.assertIn("/run/left-behind", left.stdout)
        clean = run("compare", "/tmp/look.json")
        self.assertEqual((clean.returncode, clean.stdout), (0, "nothing left behind\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
