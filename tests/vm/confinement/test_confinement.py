# SPDX-License-Identifier: Apache-2.0
"""A live job: what each of its processes may, as docs/containment/host.md says, and what its guest sees of a machine.

LAZARET_PRINT=1 prints both as they are, for the page and for devices.txt.
"""
import ctypes
import os
import pathlib
import signal
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "evaluation"))
from lazaret import BUILD, LAZARET, ROOT, Case, evaluate_arguments, has_microvm, lazaret, main, state  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PAGE = ROOT / "docs" / "containment" / "host.md"
BOOT_SECONDS = 240
POLICY = """tier: low
arithmetic: mul-add
isolation: [microvm]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {deadlineSeconds: 600, memoryMiB: 256, modelMiB: 64}
report: {inputs: none}
checks:
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
"""
# By the name that ps(1) shows, in the order of the page.
PROCESSES = {"lazaret": "monitor", "lazaret-signer": "signer", "lazaret-ledger": "appender", "lazaret-data": "data reader",
             "lazaret-janitor": "janitor", "lazaret-collect": "collector", "lazaret-job": "supervisor",
             "lazaret-libvirt": "libvirt controller", "lazaret-vsock": "vsock device", "qemu-system-x86": "QEMU"}
NAMESPACES = ("net", "mnt", "pid", "ipc", "uts")
LIMITS = {"Max address space": "AS", "Max open files": "NOFILE", "Max file size": "FSIZE", "Max processes": "NPROC",
          "Max core file size": "CORE"}
CAPABILITIES = {0: "CHOWN", 1: "DAC_OVERRIDE", 3: "FOWNER", 5: "KILL", 6: "SETGID", 7: "SETUID", 8: "SETPCAP", 19: "SYS_PTRACE"}
QEMU_UIDS = range(0x70000000, 0x80000000)
PTRACE_ATTACH = 16
CLONE_NEWNS = 0x00020000


def status(folder):
    return dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines() if ":\t" in line)


def children(pid):
    try:
        return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                for child in (task / "children").read_text().split()]
    except OSError:
        return []


def family(pid):
    """All that descends from a process, itself included, by name."""
    found, todo = {}, [pid]
    while todo:
        pid = todo.pop()
        try:
            found[pathlib.Path(f"/proc/{pid}/comm").read_text().strip()] = pid
        except OSError:
            continue
        todo += children(pid)
    return found


def amount(text):
    """A limit as the page shows it."""
    if text == "unlimited":
        return "–"
    value = int(text)
    return f"{value >> 20} MiB" if value >= 1 << 20 else str(value)


def name_capabilities(mask):
    return " ".join(CAPABILITIES.get(bit, str(bit)) for bit in range(64) if mask >> bit & 1) or "none"


def kind_of(fd):
    """What a descriptor is."""
    text = os.readlink(fd)
    if text.startswith("/memfd:"):
        return "memory"
    if text.startswith("anon_inode:"):
        return text[len("anon_inode:"):].strip("[]")
    if ":[" in text:
        kind = text.split(":")[0]
        return kind if kind in ("socket", "pipe") else "namespace"
    mode = os.stat(fd).st_mode
    return "null" if text == "/dev/null" else "folder" if stat.S_ISDIR(mode) else "pipe" if stat.S_ISFIFO(mode) else "file"


def describe(name, pid):
    """A row of the page's table."""
    folder = pathlib.Path(f"/proc/{pid}")
    tasks = [status(task) for task in (folder / "task").iterdir()]
    one = tasks[0]
    for task in tasks:  # a thread that is not confined is a process that is not
        for key in ("Seccomp", "NoNewPrivs", "CapEff", "CapPrm", "Uid"):
            assert task[key] == one[key], f"{name}: threads differ in {key}"
    uid = int(one["Uid"].split()[0])
    own = [n for n in NAMESPACES if os.readlink(folder / "ns" / n) != os.readlink(f"/proc/self/ns/{n}")]
    root, entries = os.readlink(folder / "root"), len(os.listdir(folder / "root"))
    machine = pathlib.Path("/proc/self/limits").read_text().splitlines()
    limits = {LIMITS[line[:25].strip()]: "–" if line in machine and name == "lazaret" and "processes" in line
              else amount(line[26:46].strip())
              for line in (folder / "limits").read_text().splitlines() if line[:25].strip() in LIMITS}
    inspectable = os.stat(folder / "status").st_uid == uid if uid else None
    fds = sorted({kind_of(fd) for fd in (folder / "fd").iterdir()})
    return [PROCESSES[name], "filter" if one["Seccomp"].strip() == "2" else "NONE",
            "yes" if one["NoNewPrivs"].strip() == "1" else "NO",
            "root" if uid == 0 else "the job's" if uid in QEMU_UIDS else str(uid), name_capabilities(int(one["CapEff"], 16)),
            " ".join(own) or "the machine's", "its folder" if root != "/" else "empty" if entries == 0 else "the job's" if "mnt" in own else "the machine's",
            *(limits[key] for key in LIMITS.values()),
            "no" if inspectable is False else "yes" if inspectable else "(root)", ", ".join(fds)]


def row(cells):
    return "| " + " | ".join(cells) + " |"


def as_another(uid, act):
    """What `act` raises or returns in a child of that user, as text."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            said = act()
        except OSError as error:
            said = type(error).__name__
        os.write(writing, str(said).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


class Confinement(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not has_microvm():
            raise unittest.SkipTest("needs root, QEMU and a guest image")
        cls.jobs = []
        cls.state = cls.folder / "state"
        cls.state.mkdir()
        if (state() / "cache").exists():  # the kernel's package, so that it is not downloaded again
            os.symlink(state() / "cache", cls.state / "cache")
        cls.environment = {"LAZARET_STATE": str(cls.state)}
        built = lazaret("image", "build", "--agent", BUILD / "tests" / "device-list-agent", environment=cls.environment)
        if built.returncode != 0:
            raise RuntimeError(built.stderr)
        made = lazaret("ledger", "init", cls.folder / "ledger", "--origin", "example.org/test")
        if made.returncode != 0:
            raise RuntimeError(made.stderr)
        (cls.folder / "policy.yaml").write_text(POLICY)
        cls.monitor = cls.start("first", "--ledger", cls.folder / "ledger")
        cls.devices = cls.wait_for_devices()

    @classmethod
    def tearDownClass(cls):
        for job in getattr(cls, "jobs", []):
            job.send_signal(signal.SIGKILL)
            job.wait()
        super().tearDownClass()

    @classmethod
    def start(cls, name, *extra):
        arguments = evaluate_arguments(cls.folder / name, cls.key, isolation="microvm",
                                       extra=["--policy", cls.folder / "policy.yaml", "--accel", "tcg", "--transport",
                                              "vhost-user", *extra])
        with open(cls.folder / f"{name}.log", "wb") as log, open(os.devnull, "rb") as null:
            job = subprocess.Popen([str(LAZARET), *arguments], stdin=null, stdout=log, stderr=log,
                                   env={**os.environ, **cls.environment})
        cls.jobs.append(job)
        return job

    @classmethod
    def console(cls):
        """What the guest has printed so far, from the monitor's own file of it."""
        for fd in pathlib.Path(f"/proc/{cls.monitor.pid}/fd").iterdir():
            try:
                if os.readlink(fd).startswith("/memfd:console"):
                    return fd.read_bytes().decode(errors="replace").replace("\r", "")
            except OSError:
                pass
        return ""

    @classmethod
    def wait_for_devices(cls):
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end:
            text = cls.console()
            if "DEVICES END" in text:
                return text.split("DEVICES BEGIN\n", 1)[1].split("DEVICES END", 1)[0].splitlines()
            if cls.monitor.poll() is not None:
                raise RuntimeError((cls.folder / "first.log").read_text())
            time.sleep(0.2)
        raise RuntimeError("the guest did not list its devices: " + cls.console()[-500:])

    def test_processes_are_as_the_page_says(self):
        found = family(self.monitor.pid)
        self.assertEqual(sorted(found), sorted(PROCESSES))
        rows = [row(describe(name, found[name])) for name in PROCESSES]
        if os.environ.get("LAZARET_PRINT"):
            print("\n" + "\n".join(rows))
        page = PAGE.read_text().splitlines()
        for line in rows:
            self.assertIn(line, page, "the page's table says otherwise")

    def test_guest_sees_the_devices_that_are_pinned(self):
        """A device more, or another, is a change of what a hostile guest can reach: it must be made in the file too."""
        if os.environ.get("LAZARET_PRINT"):
            print("\n" + "\n".join(self.devices))
        self.assertEqual(self.devices, (HERE / "devices.txt").read_text().splitlines())

    def test_command_line_of_qemu(self):
        """QEMU's own sandbox is asked for whole, and no device is there that is not in the list."""
        words = pathlib.Path(f"/proc/{family(self.monitor.pid)['qemu-system-x86']}/cmdline").read_bytes().decode().split("\0")
        sandbox = words[words.index("-sandbox") + 1]
        self.assertEqual(sandbox, "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
        for word in ("-nodefaults", "-no-user-config"):
            self.assertIn(word, words)
        devices = [words[i + 1] for i, word in enumerate(words) if word == "-device"]
        self.assertEqual(len(devices), 2, devices)
        self.assertIn('"driver":"isa-serial"', devices[0])
        self.assertTrue(devices[1].startswith("vhost-user-vsock-pci,"), devices)

    def test_two_jobs_do_not_reach_each_other(self):
        other = self.start("second")
        end = time.monotonic() + BOOT_SECONDS
        while True:
            theirs = family(other.pid).get("qemu-system-x86")
            if theirs and int(status(pathlib.Path(f"/proc/{theirs}"))["Uid"].split()[0]) in QEMU_UIDS:
                break
            self.assertIsNone(other.poll())
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        ours = family(self.monitor.pid)["qemu-system-x86"]
        uids = [int(status(pathlib.Path(f"/proc/{pid}"))["Uid"].split()[0]) for pid in (ours, theirs)]
        self.assertNotEqual(*uids)
        for n in NAMESPACES:
            self.assertNotEqual(*(os.readlink(f"/proc/{pid}/ns/{n}") for pid in (ours, theirs)))
        libc = ctypes.CDLL(None, use_errno=True)
        for uid, pid in ((uids[0], theirs), (uids[1], ours)):
            for path in ("mem", "root/run/j/console.in", "root/run/j/vsock", "fd", "map_files"):
                with self.subTest(path):
                    self.assertEqual(as_another(uid, lambda p=path: list(os.listdir(f"/proc/{pid}/{p}"))
                                                if p in ("fd", "map_files") else open(f"/proc/{pid}/{p}", "rb").read(1)),
                                     "PermissionError")
            self.assertEqual(as_another(uid, lambda: os.kill(pid, 0)), "PermissionError")
            self.assertEqual(as_another(uid, lambda: libc.ptrace(PTRACE_ATTACH, pid, 0, 0)), "-1")
            self.assertEqual(as_another(uid, lambda: libc.setns(os.pidfd_open(pid), CLONE_NEWNS)), "-1")
        other.send_signal(signal.SIGKILL)
        other.wait()


if __name__ == "__main__":
    main()
