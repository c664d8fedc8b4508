#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a machine holds, before and after: names each thing that a job left behind.

usage: tests/vm/leftovers.py save FILE [--place FOLDER]...
       tests/vm/leftovers.py compare FILE [--expect PATH]... [--settle SECONDS]

A snapshot has, each under a name that stays the same while the thing lives: processes; namespaces (of processes, kept by
a descriptor, or mounted); mounts of every mount namespace that a process is in; UNIX, vsock and other sockets and
interfaces of every network namespace; CIDs that the kernel's vhost-vsock has given away; cgroups and who is in them;
System V and POSIX IPC; huge pages; loop devices; drivers of PCI devices; file locks; and files below the state directory,
/tmp, /run, /dev/shm, /var/tmp and the places given. A comparison names what came, went or changed. It lets pass only what the design does:
cgroup directories without a process, and processes that have ended and wait to be collected by init.

As a program it exits with 0 when nothing is left, with 1 when something is. In Python: before = Leftovers(places=...);
differences = before.compare(expect=[output], settle=2.0).

A machine on which others work meanwhile has other things that come and go: run it in namespaces of its own
(tests/vm/faults/alone).
"""
import argparse
import errno
import fcntl
import glob
import json
import os
import pathlib
import socket
import stat
import struct
import sys
import time

STATE = "LAZARET_STATE", "/var/lib/lazaret"
PLACES = ("/tmp", "/run", "/dev/shm", "/var/tmp", "/dev/mqueue", "/dev/vfio", "/dev/hugepages")
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
NET_TABLES = ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet", "netlink")
ADDRESS_COLUMNS = {"packet": (1, 3, 8), "netlink": (1, 2, 9)}  # type or protocol, and the inode
PF_KTHREAD = 0x00200000
CID_FIRST, CID_LAST = 3, 258  # libvirt gives away the lowest that is free
VHOST_VSOCK_SET_GUEST_CID = 0x4008AF60
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLMSG_DONE, NLMSG_ERROR = 4, 20, 3, 2
NLM_F_REQUEST, NLM_F_DUMP, AF_VSOCK = 0x01, 0x300, 40
WAITS = "ended, waits for init"  # a process that holds nothing any more
EMPTY = "no process"  # a cgroup that may wait for the reaper
TOLERATED = (WAITS, EMPTY)


def read(path):
    """A small file's text, or "" where it is gone or closed to us."""
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


# --- processes and what they hold ----------------------------------------------------------------------------

def processes():
    found = {}
    for pid in pids():
        text = read(f"/proc/{pid}/stat")
        fields = text.rpartition(")")[2].split()
        if not fields or int(fields[6]) & PF_KTHREAD:
            continue
        ended, parent = fields[0] in "ZX", int(fields[1])
        name = read(f"/proc/{pid}/comm").strip()
        program = read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()[:120]
        waits = ended and parent in (0, 1)
        # Its start, in ticks, tells a process from the next one with the same number; its word is who it is.
        found[f"{pid} since {fields[19]}"] = WAITS if waits else f"{name}, zombie" if ended else f"{name} [{program}]"
    return found


def namespaces():
    """By processes, by descriptors that keep one, and by mounts of nsfs (which mounts() names)."""
    found = {}
    for pid in [os.getpid(), *pids()]:
        ended = " Z " in read(f"/proc/{pid}/stat").rpartition(")")[2][:4]
        for name in NAMESPACES:
            mark = link(f"/proc/{pid}/ns/{name}")
            if mark and not ended:  # who has ended is in none, whatever its entry still shows
                found.setdefault(mark, "of a process")
        for entry in glob.glob(f"/proc/{pid}/fd/*"):
            mark = link(entry)
            if mark.split(":[")[0] in NAMESPACES and mark.endswith("]"):
                found.setdefault(mark, "kept by a descriptor")
    return found


def one_of_each(name):
    """A living process for each namespace of that kind."""
    seen = {}
    for pid in [os.getpid(), *pids()]:
        mark = link(f"/proc/{pid}/ns/{name}")
        if mark:
            seen.setdefault(mark, pid)
    return seen


def mounts():
    found = {}
    for mark, pid in one_of_each("mnt").items():
        for line in read(f"/proc/{pid}/mountinfo").splitlines():
            fields = line.split()
            after = fields.index("-")
            found[f"{mark} {fields[0]} {fields[4]}"] = f"{fields[after + 1]} {fields[after + 2]} {fields[3]}"
    return found


def unix_sockets():
    found = {}
    for mark, pid in one_of_each("net").items():
        for line in read(f"/proc/{pid}/net/unix").splitlines()[1:]:
            fields = line.split(None, 7)
            found[f"{mark} {fields[6]}"] = f"unix {fields[7] if len(fields) > 7 else '(no name)'}"
    return found


def other_sockets():
    found = {}
    for mark, pid in one_of_each("net").items():
        for table in NET_TABLES:
            for line in read(f"/proc/{pid}/net/{table}").splitlines()[1:]:
                fields = line.split()
                first, second, inode = ADDRESS_COLUMNS.get(table, (1, 2, 9))
                if len(fields) > inode:
                    found[f"{mark} {table} {fields[inode]}"] = f"{fields[first]} {fields[second]}"
        for line in read(f"/proc/{pid}/net/dev").splitlines()[2:]:
            found[f"{mark} interface {line.split(':')[0].strip()}"] = "interface"
    return found


def vsock_sockets():
    """By the kernel's vsock_diag, where it has it: of this network namespace, which is all that vsock knows."""
    found = {}
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as diag:
            # struct vsock_diag_req: family, protocol, pad, states, inode, show, cookie[2] (linux/vm_sockets_diag.h)
            request = struct.pack("=BBHIIIII", AF_VSOCK, 0, 0, 0xFFFFFFFF, 0, 0, 0, 0)
            diag.send(struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
                      + request)
            while True:
                data = diag.recv(65536)
                while len(data) >= 16:
                    size, kind = struct.unpack_from("=IH", data)
                    if kind in (NLMSG_DONE, NLMSG_ERROR) or size < 16:
                        return found
                    _, _, state, _, cid, port, peer_cid, peer_port, inode = struct.unpack_from("=BBBBIIIII", data, 16)
                    found[f"vsock {inode}"] = f"{cid}:{port} to {peer_cid}:{peer_port}, state {state}"
                    data = data[(size + 3) & ~3:]
    except OSError:
        return found


def cids():
    """A CID that can't be claimed is somebody's; a claim ends with its descriptor."""
    found = {}
    for cid in range(CID_FIRST, CID_LAST + 1):
        try:
            with open("/dev/vhost-vsock", "r+b", buffering=0) as device:
                fcntl.ioctl(device, VHOST_VSOCK_SET_GUEST_CID, struct.pack("=Q", cid))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return found
            found[f"CID {cid}"] = "taken"
    return found


# --- what outlives processes -----------------------------------------------------------------------------------

def cgroups():
    found = {}
    for folder, _, _ in os.walk("/sys/fs/cgroup", followlinks=False):
        if os.path.exists(folder + "/cgroup.procs"):
            # Processes of other PID namespaces are 0 here; our own look is nobody's.
            inside = set(read(folder + "/cgroup.procs").split()) - {"0", str(os.getpid())}
            found[folder] = "with processes" if inside else EMPTY
    return found


def ipc():
    found = {}
    for kind in ("shm", "sem", "msg"):
        for line in read(f"/proc/sysvipc/{kind}").splitlines()[1:]:
            fields = line.split()
            found[f"System V {kind} {fields[1]}"] = f"key {fields[0]}"
    return found


def devices():
    found = {}
    for path in glob.glob("/sys/kernel/mm/hugepages/*/*_hugepages"):
        found[path] = read(path).strip()
    for path in glob.glob("/sys/block/*"):
        backing = read(path + "/loop/backing_file").strip()
        if backing or not os.path.basename(path).startswith("loop"):
            found[path] = backing or "block device"
    for path in glob.glob("/sys/bus/pci/devices/*"):
        found[path] = f"driver {os.path.basename(link(path + '/driver')) or 'none'}, " \
                      f"override {read(path + '/driver_override').strip()}"
    return found


def locks(entries):
    """Of files in the places: others' locks are not ours to judge."""
    inodes = {(os.major(status.st_dev), os.minor(status.st_dev), status.st_ino): path for path, status in entries}
    found = {}
    for line in read("/proc/locks").splitlines():
        fields = line.split()
        if "->" in fields:
            continue
        major, minor, inode = fields[5].split(":")
        path = inodes.get((int(major, 16), int(minor, 16), int(inode)))
        if path:
            found[f"lock of {path} {fields[6]}-{fields[7]}"] = " ".join(fields[1:4])
    return found


def walk(place):
    """Every entry below a folder, itself included, without crossing into /proc or /sys."""
    stack = [str(place)]
    while stack:
        path = stack.pop()
        try:
            status = os.lstat(path)
            if stat.S_ISDIR(status.st_mode):
                stack += [entry.path for entry in os.scandir(path)]
        except OSError:
            continue
        yield path, status


def describe(status):
    kind = stat.filemode(status.st_mode)
    size = f", {status.st_size} bytes" if stat.S_ISREG(status.st_mode) else ""
    return f"{kind} {status.st_uid}:{status.st_gid}{size}, inode {status.st_ino}"


def is_expected(path, expect):
    return any(path == place or path.startswith(place + "/") for place in expect)


# --- the whole ---------------------------------------------------------------------------------------------------

class Leftovers:
    """A look at the machine, to be compared with a later one."""

    def __init__(self, places=(), saved=None):
        if saved is not None:
            loaded = json.loads(pathlib.Path(saved).read_text())
            self.places, self.seen = loaded["places"], loaded["seen"]
            return
        state = os.environ.get(*STATE)
        wanted = [os.path.realpath(place) for place in (*PLACES, state, *places)]
        self.places = sorted({place for place in wanted
                              if not any(place.startswith(other + "/") for other in wanted)})
        self.seen = self.look()

    def look(self):
        entries = [entry for place in self.places for entry in walk(place)]
        return {"process": processes(), "namespace": namespaces(), "mount": mounts(), "socket": unix_sockets(),
                "network": other_sockets(), "vsock": vsock_sockets(), "CID": cids(), "cgroup": cgroups(), "ipc": ipc(),
                "device": devices(), "lock": locks(entries),
                "file": {path: describe(status) for path, status in entries}}

    def save(self, path):
        pathlib.Path(path).write_text(json.dumps({"places": self.places, "seen": self.seen}))

    def differences(self, expect=()):
        """(what is different, what is tolerated), each a list of lines. `expect`: paths that may come, go or change."""
        expect = [os.path.realpath(path) for path in expect]
        different, tolerated = [], []
        for kind, now in self.look().items():
            before = self.seen[kind]
            for name in sorted(before.keys() | now.keys()):
                was, is_now = before.get(name), now.get(name)
                if was == is_now or (kind == "file" and is_expected(name, expect)):
                    continue
                if kind == "cgroup" and was == EMPTY and is_now is None:
                    continue  # the reaper did its work
                line = f"{kind} {name}: " + (f"came ({is_now})" if was is None else f"went ({was})"
                                             if is_now is None else f"was {was}, is {is_now}")
                (tolerated if is_now in TOLERATED else different).append(line)
        return different, tolerated

    def compare(self, expect=(), settle=0.0):
        """The differences; looks again for up to `settle` seconds as long as there are any."""
        end = time.monotonic() + settle
        while True:
            different, _ = self.differences(expect)
            if not different or time.monotonic() >= end:
                return different
            time.sleep(0.02)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    save = commands.add_parser("save")
    save.add_argument("file")
    save.add_argument("--place", action="append", default=[])
    compare = commands.add_parser("compare")
    compare.add_argument("file")
    compare.add_argument("--expect", action="append", default=[])
    compare.add_argument("--settle", type=float, default=2.0)
    arguments = parser.parse_args()
    if arguments.command == "save":
        Leftovers(arguments.place).save(arguments.file)
        return 0
    before = Leftovers(saved=arguments.file)
    left = before.compare([*arguments.expect, arguments.file], arguments.settle)
    for line in left:
        print(line)
    print(f"{len(left)} left behind" if left else "nothing left behind")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
