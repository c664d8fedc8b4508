# SPDX-License-Identifier: Apache-2.0
"""Runs a hostile guest through the whole of `lazaret evaluate`, and measures what it cost the host."""
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "evaluation"))
from lazaret import BUILD, DIGITS, LAZARET, evaluate_arguments, lazaret, state  # noqa: E402

TRAILER = 64  # agent/hostile.h
POLICY = """tier: low
arithmetic: mul-add
isolation: [microvm, process]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {{deadlineSeconds: {deadline}, memoryMiB: 256, modelMiB: 64}}
report: {{inputs: samples}}
checks:
{checks}"""
CHECKS = """  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
  fgsm:
    required: false
    goal: untargeted
    restarts: 0
    curves:
      - {norm: inf, eps: [0.01, 0.1]}
      - {norm: 2, eps: [0.5]}
  activation-clustering:
    required: false
    reduction: pca
    components: 10
    starts: 1
    minimumClassSize: 1000
    alpha: 0.01
    minimumEffect: 0.1
    maximumTestShare: 0.1
"""
SCAN = "  scan: {required: true}\n"
SAMPLING_SECONDS = {"process": 0.05, "microvm": 0.25}  # a look takes as long as a small guest computes


@dataclasses.dataclass
class Outcome:
    """What one run showed."""
    status: int
    printed: str
    output: pathlib.Path
    wall: float
    cpu: float  # of all our processes, with QEMU or the agent
    memory_mib: float  # most private dirty memory at once of our processes, without QEMU and the agent
    disk_mib: float  # most that output and state grew

    def document(self, name):
        return json.loads((self.output / name).read_text())

    @property
    def reason(self):
        execution = self.document("execution.json")
        if "failure" in execution:
            return execution["failure"]
        return self.printed.split("\n", 1)[0]


def disk_of(*folders):
    """Bytes below, but for the programs, which the tests put there."""
    total = 0
    for folder in folders:
        for path, below, files in os.walk(folder):
            below[:] = [name for name in below if not name.startswith("program-")]
            for name in files:
                try:
                    total += os.lstat(os.path.join(path, name)).st_blocks * 512
                except OSError:
                    pass
    return total


def family(pid):
    """The process and all that came of it."""
    children, found = {}, []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry))
            except OSError:
                pass
    waiting = [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def private_dirty(pids):
    """KiB that only these processes hold, of those that run the program itself: neither QEMU nor the agent."""
    total = 0
    for pid in pids:
        try:
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) != "lazaret":
                continue
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
                total += sum(int(line.split()[1]) for line in rollup if line.startswith("Private_Dirty"))
        except OSError:
            pass
    return total


class Watch(threading.Thread):
    """Looks at memory and disk while a job runs."""

    def __init__(self, pid, folders, pause):
        super().__init__(daemon=True)
        self.pid, self.folders, self.pause = pid, folders, pause
        self.memory = self.disk = 0
        self.before = disk_of(*folders)
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.wait(self.pause):
            self.memory = max(self.memory, private_dirty(family(self.pid)))
            self.disk = max(self.disk, disk_of(*self.folders) - self.before)

    def stop(self):
        self.stopped.set()
        self.join()
        self.disk = max(self.disk, disk_of(*self.folders) - self.before)


class Guests:
    """A folder with the programs, policies, images and outputs of hostile guests."""

    def __init__(self, folder, key):
        self.folder, self.key = pathlib.Path(folder), key
        self.state = self.folder / "state"

    def policy(self, deadline, scan=False):
        path = self.folder / f"policy-{deadline}{'-scan' if scan else ''}.yaml"
        if not path.exists():
            path.write_text(POLICY.format(deadline=deadline, checks=(SCAN if scan else "") + CHECKS))
        return path

    def spec(self, classes=True):
        """The digits' spec, or one that leaves the number of classes to the model."""
        if classes:
            return DIGITS / "spec.yaml"
        path = self.folder / "open.yaml"
        path.write_text("".join(line + "\n" for line in (DIGITS / "spec.yaml").read_text().splitlines()
                                if not line.startswith("classes")))
        return path

    def program(self, mode):
        """The program with an agent of this mode beside it."""
        place = self.folder / ("program-" + mode.replace(":", "-").replace("@", "-"))
        if not place.exists():
            place.mkdir()
            if not (self.folder / "program").exists():
                shutil.copy(LAZARET, self.folder / "program")
            os.link(self.folder / "program", place / "lazaret")
            agent = (BUILD / "tests" / "hostile-agent").read_bytes() + mode.encode().ljust(TRAILER, b"\0")
            (place / "lazaret-agent").write_bytes(agent)
            (place / "lazaret-agent").chmod(0o755)
        return place / "lazaret"

    def prepare_image(self):
        """An image of the hostile agent, in a state directory of its own; the kernel comes from the tests' cache."""
        if (self.state / "images").exists():
            return
        self.state.mkdir()
        (self.state / "cache").mkdir()
        (self.state / "jobs").mkdir(mode=0o700)
        for name in ("kernel", "capabilities-tcg-0"):
            if (state() / "cache" / name).exists():
                shutil.copytree(state() / "cache" / name, self.state / "cache" / name, copy_function=os.link
                                if os.stat(state()).st_dev == os.stat(self.state).st_dev else shutil.copy)
        if (state() / "kvm-does-not-work").exists():
            shutil.copy(state() / "kvm-does-not-work", self.state)
        built = lazaret("image", "build", "--agent", BUILD / "tests" / "hostile-agent",
                        environment={"LAZARET_STATE": str(self.state)})
        if built.returncode != 0:
            raise RuntimeError(built.stderr)

    def choose_image(self, mode):
        """Makes the default image one whose kernel hands the agent this mode: only the manifest differs."""
        images = self.state / "images"
        base = images / (images / "default").read_text().strip()
        manifest = json.loads((base / "manifest.json").read_text())
        words = [w for w in manifest["commandLine"].split() if not w.startswith("hostile=")]
        manifest["commandLine"] = " ".join([*words, f"hostile={mode}"])
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
        name = hashlib.sha256(text.encode()).hexdigest()
        if name != base.name:
            made = images / name
            if not made.exists():
                made.mkdir()
                for file in base.iterdir():
                    if file.name != "manifest.json":
                        os.link(file, made / file.name)
                (made / "manifest.json").write_text(text)
                (made / "manifest.json").chmod(0o444)
            (images / ".new").write_text(name + "\n")
            os.rename(images / ".new", images / "default")

    def make_ready(self, mode, isolation):
        """Makes what a run of this mode needs besides its output: a program or an image."""
        if isolation == "process":
            self.program(mode)
        else:
            self.prepare_image()
            self.choose_image(mode)

    def own_files(self):
        """What the runs themselves write here: policies, specs, knowledge of QEMU."""
        return [self.folder / "program", *self.folder.glob("policy-*"), *self.folder.glob("zeros-*"), self.folder / "open.yaml",
                *(self.state / name for name in ("cache", "job-ids", "kvm-does-not-work"))]

    def model(self, mib):
        """The example, or a file that the host streams as it would any model."""
        if mib == 0:
            return DIGITS / "clean.onnx"
        path = self.folder / f"zeros-{mib}.onnx"
        if not path.exists():
            path.write_bytes(bytes(mib << 20))
        return path

    def evaluate(self, name, mode, isolation, deadline, scan=False, classes=True, model_mib=0, timeout=300):
        """One evaluation with the guest of this mode."""
        output = self.folder / name
        environment = dict(os.environ)
        program = LAZARET
        self.make_ready(mode, isolation)
        if isolation == "process":
            program = self.program(mode)
        else:
            environment["LAZARET_STATE"] = str(self.state)
        folders = [self.folder, pathlib.Path(environment.get("LAZARET_STATE", "/var/lib/lazaret")) / "jobs"]
        before = os.times()
        began = time.monotonic()
        with subprocess.Popen([str(program), *evaluate_arguments(output, self.key, model=self.model(model_mib),
                                                                 spec=self.spec(classes),
                                                                 isolation=isolation,
                                                                 extra=["--policy", self.policy(deadline, scan)])],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as process:
            watch = Watch(process.pid, folders, SAMPLING_SECONDS[isolation])
            watch.start()
            try:
                printed, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                printed, _ = process.communicate()
                printed = f"TOO LONG: killed after {timeout} s\n{printed}"
            watch.stop()
        after = os.times()
        return Outcome(status=process.returncode, printed=printed, output=output, wall=time.monotonic() - began,
                       cpu=after.children_user + after.children_system - before.children_user - before.children_system,
                       memory_mib=watch.memory / 1024, disk_mib=watch.disk / (1 << 20))
