# SPDX-License-Identifier: Apache-2.0
"""A real Slurm on this machine: munged, slurmctld and as many slurmd as nodes are asked for, in a folder of their own.

All of them are this process's children, under a time limit each, and are stopped by their pids. Debian's slurmd may run
several times on a machine, each under the name of a node.
"""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
LIMIT = 1500  # seconds that any of the daemons may live

CONFIGURATION = """ClusterName=lazaret
SlurmctldHost=localhost
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
ReturnToService=2
MpiDefault=none
SlurmdTimeout={slurmd_timeout}
SlurmctldTimeout=30
MinJobAge=300
KillWait=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName=n[1-{nodes}] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=2 RealMemory=4000 Gres=gpu:1
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """Why there can be no Slurm here, or ""."""
    if os.geteuid() != 0:
        return "slurmctld and slurmd need root"
    absent = [name for name in PROGRAMS if shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    return "" if pathlib.Path("/etc/munge/munge.key").exists() else "/etc/munge/munge.key is not there"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    def __init__(self, folder, nodes=2, slurmd_timeout=15):
        self.folder = pathlib.Path(folder)
        self.processes = {}
        self.names = [f"n{i + 1}" for i in range(nodes)]
        if [name for _, name in socket.if_nameindex()] == ["lo"]:
            # A network namespace of our own: Slurm's look-up of names wants an address that is not loopback's.
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            subprocess.run(["ip", "address", "replace", "10.254.254.254/32", "dev", "lo"], check=True)
        first = free_port()
        if first > 60000:
            first -= 10000
        for part in ("munge", "state", "spool"):
            (self.folder / part).mkdir(parents=True)
        for path in (self.folder, *self.folder.parents):
            if path != pathlib.Path("/tmp") and path.stat().st_uid == 0 and str(path).startswith("/tmp/"):
                path.chmod(0o755)  # munge refuses folders that others may write to
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(
            folder=self.folder, nodes=nodes, port=free_port(), first=first, last=first + nodes - 1,
            slurmd_timeout=slurmd_timeout))
        # A GPU that is none: Slurm counts it and packs by it.
        (self.folder / "gres.conf").write_text(f"NodeName=n[1-{nodes}] Name=gpu File=/dev/null\n")
        os.environ["SLURM_CONF"] = str(self.folder / "slurm.conf")
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        try:
            self.start_all()
        except BaseException:
            self.stop_all()
            raise

    def start_all(self):
        self.start_munge()
        self.start("slurmctld", ["slurmctld", "-D", "-c"])
        for name in self.names:
            self.start_node(name)
        self.wait_until_idle()

    def start_munge(self):
        folder = self.folder / "munge"
        munge = pwd.getpwnam("munge")
        os.chown(folder, munge.pw_uid, munge.pw_gid)
        self.start("munged", ["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups", "munged", "--foreground",
                              f"--socket={folder}/socket", f"--pid-file={folder}/pid", f"--log-file={folder}/log",
                              f"--seed-file={folder}/seed"])
        self.wait_for(lambda: (folder / "socket").exists(), "munged")

    def start(self, name, arguments):
        output = open(self.folder / f"{name}.out", "ab")  # closed with the child's life
        self.processes[name] = subprocess.Popen(["timeout", "--foreground", str(LIMIT), *arguments], stdout=output,
                                                stderr=output, stdin=subprocess.DEVNULL, start_new_session=True)
        output.close()

    def start_node(self, name):
        self.start(name, ["slurmd", "-D", "-N", name])

    def start_missing(self):
        """What was stopped, and what has ended by itself."""
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                del self.processes[name]
        if "munged" not in self.processes:
            self.start_munge()
        if "slurmctld" not in self.processes:
            self.start("slurmctld", ["slurmctld", "-D"])
        for name in self.names:
            if name not in self.processes:
                self.start_node(name)

    def cancel_all(self, patience=60):
        """Ends all jobs. Those that were there still after `patience` seconds, or ""; what just ends takes a moment."""
        queue = ("squeue", "-h", "-r", "-t", "PD,R,CG,S,CF")
        end = time.monotonic() + patience
        while (left := self.ask(*queue)) and time.monotonic() < end:
            time.sleep(0.2)
        if left:
            self.ask("scancel", "--user=root")
            self.wait_for(lambda: not self.ask(*queue), "the end of canceled jobs")
        return left

    def stop(self, name, kill=False):
        """By its pid; `kill`: at once, and what it runs with it, as a machine that loses its power."""
        process = self.processes.pop(name)
        if kill:
            for pid in descendants(process.pid) + tasks_of(name):
                end_at_once(pid)
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self):
        for name in [*self.names, "slurmctld", "munged"]:
            if name in self.processes:
                self.stop(name, kill=name in self.names)

    def wait_for(self, holds, what, seconds=300):
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                said = "".join(path.read_text(errors="replace")[-1500:] for path in self.folder.glob("*.out"))
                raise RuntimeError(f"{what}: not within {seconds} s:\n{self.ask('sinfo', '-N', '-l')}\n{said}")
            time.sleep(0.1)

    def wait_until_idle(self):
        self.wait_for(lambda: sorted(self.ask("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split()) == self.names,
                      "nodes")

    def ask(self, *arguments):
        return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False).stdout


def read_stat(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None


def pids():
    return [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]


def end_at_once(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def descendants(parent):
    parents = {pid: int(stat[1]) for pid in pids() if (stat := read_stat(pid))}
    found = [parent]
    for pid in found:
        found += [child for child, its in parents.items() if its == pid]
    return found[1:]


def kill_descendant(parent, name):
    for pid in descendants(parent):
        if read_of(pid, "comm").strip() == name.encode():
            end_at_once(pid)


def read_of(pid, name):
    """b"" of a process that has ended meanwhile."""
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def tasks_of(node):
    """slurmstepd of a node, which is no child of slurmd's, and what it runs."""
    found = []
    for pid in pids():
        environment, command = read_of(pid, "environ").split(b"\0"), read_of(pid, "cmdline")
        if f"SLURMD_NODENAME={node}".encode() in environment and pid != os.getpid():
            found.append(pid)
            stat = read_stat(pid)
            if stat and b"slurmstepd" in read_of(stat[1], "cmdline"):
                found.append(int(stat[1]))
        elif b"slurmstepd" in command and f"-{node}-".encode() in command:
            found.append(pid)
    return found
