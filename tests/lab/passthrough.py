# SPDX-License-Identifier: Apache-2.0
"""What the lab's cases of passthrough share: facts of sysfs, refusals, an image with another agent."""
import base64
import hashlib
import json
import os
import pathlib
import subprocess

from lab import OUT, STATE, check, equal, evaluate, execution

DEVICES = pathlib.Path("/sys/bus/pci/devices")
KNOWN = [STATE / "cache", STATE / "gpus", STATE / "job-ids"]  # what QEMU can do; emptied records; who has which users
(STATE / "jobs").mkdir(exist_ok=True)  # a machine's first job makes it, and it stays


def find(vendor, device, which=0):
    """The address of a device by its ids."""
    found = [path.name for path in sorted(DEVICES.iterdir())
             if int((path / "vendor").read_text(), 16) == vendor and int((path / "device").read_text(), 16) == device]
    return found[which]


def driver(address):
    path = DEVICES / address / "driver"
    return os.path.basename(os.readlink(path)) if path.is_symlink() else ""


def override(address):
    text = (DEVICES / address / "driver_override").read_text().strip()
    return "" if text == "(null)" else text


def loan(address):
    """What a job has written down to be given back."""
    return (STATE / "gpus" / address).read_text()


def dmesg():
    return subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout


def statement(output):
    bundle = json.loads((OUT / output / "result.sigstore.json").read_text())
    return base64.b64decode(bundle["dsseEnvelope"]["payload"]).decode()


def processes(name):
    """The pids of the processes of that name."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == name[:15]:
                found.append(int(path.parent.name))
        except OSError:
            pass
    return found


def use_agent(path):
    """Makes an image with another agent the default one: its initramfs with one more member, /init, which wins."""
    images = STATE / "images"
    old = images / (images / "default").read_text().strip()
    agent = pathlib.Path(path).read_bytes()

    def member(name, data, mode):
        fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        text = b"070701" + "".join(f"{field:08x}" for field in fields).encode() + name.encode() + b"\0"
        return text + b"\0" * (-len(text) % 4) + data + b"\0" * (-len(data) % 4)

    parts = {"initramfs": (old / "initramfs.cpio").read_bytes() + member("init", agent, 0o100755) + member("TRAILER!!!", b"", 0),
             "agent": agent}
    manifest = json.loads((old / "manifest.json").read_text())
    for name, data in parts.items():
        manifest[name].update(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    new = images / hashlib.sha256(text.encode()).hexdigest()
    new.mkdir()
    (new / "manifest.json").write_text(text)
    (new / "initramfs.cpio").write_bytes(parts["initramfs"])
    (new / "agent").write_bytes(agent)
    os.link(old / "vmlinux", new / "vmlinux")
    (images / "default").write_text(new.name)


def refused(name, address, reason):
    """An evaluation that is refused for a reason, signed, and that leaves nothing."""
    done = evaluate(name, "--gpu", address)
    equal(f"{name}: could not evaluate", 3, done)
    failure = execution(name).get("failure", "")
    check(f"{name}: for its reason: {failure[:160]}", reason in failure, failure)
    check(f"{name}: signed", (OUT / name / "result.sigstore.json").exists())
    check(f"{name}: nothing was booted", execution(name)["isolation"] == "none")


def nothing_left(name, before, *outputs):
    """As before a job: processes, namespaces, mounts, sockets, CIDs, cgroups, files, and which driver has which device."""
    left = before.compare(expect=[*(OUT / output for output in outputs), *KNOWN], settle=10.0)
    check(f"{name}: nothing is left, and each device is with its driver", not left, "\n".join(left))
