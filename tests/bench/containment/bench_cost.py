#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What containment costs: memory and CPU time of all of lazaret's processes besides guest RAM and QEMU.

usage: bench_cost.py LAZARET MINIMAL_LIBVIRT [ROUNDS]

In pairs, one after the other: a job in a microVM (digits, scan and clean accuracy), and the least that opens libvirt's
embedded driver, creates the same domain of the same image, and destroys it (minimal_libvirt.c). Prints medians and the
ratio. The other program runs as a job's libvirt does, or it would be slower for reasons that are none of its own: on one
CPU, for libvirt asks QEMU anew for its capabilities where it is on another, and without /dev/kvm where the job's guest
is translated. It comes a second time with all that our domain says to libvirt: what is saved by that is not saved by
what surrounds libvirt. CPU time of a job is that of its control group, less QEMU's own, in which the guest boots and computes; the
monitor's phases and the parts show where it goes. That every boot has the image hashed before it is a promise that the
other program does not make: what it takes is measured in the same run, and the ratio without it printed as well.
Memory is looked at every few milliseconds while the VM lives: private dirty pages of every process of the job but QEMU
(/proc/PID/smaps_rollup), the largest sum, and each part's. Needs root, QEMU and a guest image; LAZARET_STATE as for
lazaret.
"""
import ctypes
import hashlib
import json
import os
import pathlib
import stat
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
DIGITS = ROOT / "examples" / "digits"
MEMORY_GOAL_KIB, CPU_GOAL = 16 * 1024, 1.25
POLICY = """tier: low
arithmetic: mul-add
isolation: [microvm]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {deadlineSeconds: 900, memoryMiB: 256, modelMiB: 64}
report: {inputs: none}
checks:
  scan: {required: true}
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
"""


class Cgroup:
    """A control group of the job's own: what its processes used in all, however they ended and whoever collected them."""

    def __init__(self):
        first = pathlib.Path("/sys/fs/cgroup/cpuacct")
        self.second = not first.is_dir()
        parent = pathlib.Path("/sys/fs/cgroup") if self.second else first
        self.folder = parent / f"bench-cost-{os.getpid()}-{time.monotonic_ns()}"
        self.folder.mkdir()

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def leave(self):
        """CPU seconds."""
        if self.second:
            seconds = int((self.folder / "cpu.stat").read_text().split()[1]) / 1e6
        else:
            seconds = int((self.folder / "cpuacct.usage").read_text()) / 1e9
        self.folder.rmdir()
        return seconds


def table():
    """pid: (parent, name) of every process."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                name, _, rest = pathlib.Path(f"/proc/{entry}/stat").read_text().partition("(")[2].rpartition(")")
                found[int(entry)] = int(rest.split()[1]), name
            except (OSError, IndexError):
                pass
    return found


def below(pid):
    processes, found, level = table(), {}, {pid}
    while level:
        found.update({one: processes[one][1] for one in level if one in processes})
        level = {one for one, (parent, _) in processes.items() if parent in level and one not in found}
    return found


def dirty_kib(pid, key="Private_Dirty:"):
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def own_seconds(pid):
    """CPU time of one process, without its children, as far as the kernel's ticks tell."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0.0


class Memory(threading.Thread):
    """The largest sum, and who had what then; looked at only while QEMU lives. And each part's CPU time as last seen."""

    def __init__(self, pid):
        super().__init__()
        self.pid, self.stop, self.most, self.parts, self.shared = pid, False, 0, {}, 0
        self.seconds = {}

    def run(self):
        while not self.stop:
            processes = below(self.pid)
            for one, name in processes.items():
                self.seconds[one, name] = max(own_seconds(one), self.seconds.get((one, name), 0.0))
            if any(name.startswith("qemu-system") for name in processes.values()):
                parts = {(one, name): dirty_kib(one) for one, name in processes.items()
                         if not name.startswith("qemu-system")}
                if sum(parts.values()) > self.most:
                    self.most, self.parts = sum(parts.values()), parts
                    self.shared = sum(dirty_kib(one, "Pss_Dirty:") for one, _ in parts)
            time.sleep(0.02)


def run_job(lazaret, folder, index):
    output, cgroup = folder / f"out-{index}", Cgroup()
    process = subprocess.Popen(
        [lazaret, "evaluate", DIGITS / "clean.onnx", "--test", DIGITS / "test.npz", "--spec", DIGITS / "spec.yaml",
         "--key", folder / "key.pem", "--policy", folder / "policy.yaml", "-o", output, "--quiet"],
        stdout=subprocess.DEVNULL, preexec_fn=cgroup.enter)
    # The look costs this process time, not the job.
    memory = Memory(process.pid)
    memory.start()
    status = process.wait()
    memory.stop = True
    memory.join()
    seconds = cgroup.leave()
    execution = json.loads((output / "execution.json").read_text()) if output.exists() else {}
    if status != 0:
        sys.exit(f"the job ended with {status}: {execution.get('failure')}")
    return seconds - float(execution["vmCpuSeconds"]), memory, execution


def hide_kvm(folder):
    """Gives this process a job's /dev, in which there is no /dev/kvm."""
    libc = ctypes.CDLL(None, use_errno=True)

    def check(result):
        if result != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    numbers = {name: os.stat(f"/dev/{name}").st_rdev for name in ("null", "zero", "full", "random", "urandom")}
    folder.mkdir(exist_ok=True)
    check(libc.unshare(0x20000))  # CLONE_NEWNS
    check(libc.mount(None, b"/", None, 0x4000 | 1 << 18, None))  # MS_REC | MS_PRIVATE
    check(libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, b"mode=0755"))
    for name, number in numbers.items():
        os.mknod(folder / name, stat.S_IFCHR | 0o666, number)
    check(libc.mount(bytes(folder), b"/dev", None, 8192, None))  # MS_MOVE


def run_in_place(folder, *command):
    """This program as a process of its own: where a job's libvirt runs, runs the command."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if folder:
        hide_kvm(pathlib.Path(folder))
    sys.exit(subprocess.run(command, check=False).returncode)


def run_minimal(program, image, folder, kvm, same=False):
    """Nothing of making the place is in the other program's own CPU time."""
    command = [program, image / "vmlinux", image / "initramfs.cpio", folder / "minimal", *(["same"] if same else [])]
    done = subprocess.run([sys.executable, __file__, "in-place", "" if kvm else folder / "dev", *command], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{program}: {done.stderr[-400:]}")
    return float(done.stdout)


def hash_image(image):
    """CPU seconds of the SHA-256 of kernel and initramfs, which libcrypto does here as there."""
    before = time.process_time()
    for name in ("vmlinux", "initramfs.cpio"):
        digest = hashlib.sha256()
        with open(image / name, "rb", buffering=0) as file:
            while block := file.read(1 << 18):
                digest.update(block)
    return time.process_time() - before


def main():
    if sys.argv[1:2] == ["in-place"]:
        run_in_place(*sys.argv[2:])
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    lazaret, minimal = (os.path.abspath(path) for path in sys.argv[1:3])
    rounds = int(sys.argv[3]) if len(sys.argv) == 4 else 7
    images = pathlib.Path(os.environ.get("LAZARET_STATE", "/var/lib/lazaret")) / "images"
    image = images / (images / "default").read_text().strip()
    ours, theirs, same, memories, hashes = [], [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "policy.yaml").write_text(POLICY)
        subprocess.run([lazaret, "keygen", "-o", folder / "key"], check=True, stdout=subprocess.DEVNULL)
        # Both sides have asked QEMU for its capabilities before.
        _, _, execution = run_job(lazaret, folder, "first")
        kvm = execution["acceleration"] == "kvm"
        run_minimal(minimal, image, folder, kvm)
        for index in range(rounds):
            theirs.append(run_minimal(minimal, image, folder, kvm))
            same.append(run_minimal(minimal, image, folder, kvm, same=True))
            hashes.append(hash_image(image))
            seconds, memory, execution = run_job(lazaret, folder, index)
            ours.append(seconds)
            memories.append(memory)
    print(f"{rounds} pairs, {execution['acceleration']}, {execution['transport']}")
    print(f"CPU seconds besides QEMU: lazaret evaluate {statistics.median(ours):.3f} (least {min(ours):.3f}), minimal "
          f"libvirt program {statistics.median(theirs):.3f} (least {min(theirs):.3f}), ratio "
          f"{statistics.median(ours) / statistics.median(theirs):.2f} (goal {CPU_GOAL})")
    print(f"  against {statistics.median(same):.3f} of the same program with all that our domain says to libvirt: ratio "
          f"{statistics.median(ours) / statistics.median(same):.2f}")
    hashed = statistics.median(hashes)
    print(f"  of it the image's digests {hashed:.3f}; without them ratio "
          f"{(statistics.median(ours) - hashed) / statistics.median(theirs):.2f}")
    for phase in execution["phases"]:
        print(f"  monitor's {phase['name']:<22} {float(phase['cpuSeconds']):.3f} CPU s")
    most = max(memories, key=lambda memory: memory.most)
    print(f"private dirty memory besides guest RAM and QEMU: {most.most} KiB at most (goal {MEMORY_GOAL_KIB}); with their "
          f"share of pages that several have: {most.shared} KiB")
    for (_, part), seconds in sorted(most.seconds.items(), key=lambda item: -item[1]):
        if seconds >= 0.02 and not part.startswith("qemu-system"):
            print(f"  of one job's CPU: {part:<22} {seconds:.2f} s")
    for (_, part), size in sorted(most.parts.items(), key=lambda item: -item[1]):
        print(f"  {part:<22} {size:6d} KiB")


if __name__ == "__main__":
    main()
