# SPDX-License-Identifier: Apache-2.0
"""What the lab's cases of AppArmor share: the profiles loaded, jobs begun under them, who is in which, attacks, refusals."""
import errno
import os
import pathlib
import re
import subprocess

from attack import call
from lab import arguments, check, end, equal, execution, qemus, wait

KERNEL = pathlib.Path("/sys/kernel/security/apparmor")
OURS, QEMU = "lazaret (enforce)", "lazaret//&lazaret-qemu (enforce)"
HELPERS = ["lazaret-job", "lazaret-libvirt", "lazaret-signer", "lazaret-data", "lazaret-collect", "lazaret-janitor"]
NAME = "qemu-system-x86"
HOST_FILE = "/job/policy.yaml"  # anyone may read it, but for the profile
REFUSED = -errno.EACCES
expected = set()  # what attacks were answered with


def load_profiles():
    """As a distribution's service would; and every refusal is logged, however many come at once."""
    pathlib.Path("/proc/sys/kernel/printk_ratelimit").write_text("0")
    equal("AppArmor is on", "Y", pathlib.Path("/sys/module/apparmor/parameters/enabled").read_text().strip())
    (KERNEL / ".replace").write_bytes(pathlib.Path("/job/tests/apparmor.policy").read_bytes())
    known = (KERNEL / "profiles").read_text().splitlines()
    check("both profiles enforce", {"lazaret (enforce)", "lazaret-qemu (enforce)"} <= set(known), known)


def profile(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/attr/current").read_text().strip()
    except OSError as error:
        return str(error)


def family():
    """{name: pid} of the processes that run under a profile of ours."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name = (path / "comm").read_text().strip()
            status = (path / "status").read_text()
        except OSError:
            continue
        if profile(path.name).startswith("lazaret") and "\nSeccomp:\t2" in status:
            found[name] = int(path.name)
    found.pop(NAME, None)  # which may be one that libvirt asks what it can do
    return found | {NAME: pid for pid in qemus() if profile(pid) == QEMU}


def begin_confined(output, *options, **more):
    """As begin(); here the program lies where no profile is attached to it, so it is entered by name."""
    return subprocess.Popen(["/bin/sh", "-c", 'echo "exec lazaret" >/proc/self/attr/exec && exec "$@"', "sh",
                             *arguments(output, *options, **more)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def processes_in_profiles(output, job, names):
    """{name: pid} of the job's processes, once all of those names and QEMU are there, each in its profile; or None."""
    wanted = {*names, NAME}
    found = wait(lambda: job.poll() is not None or wanted <= family().keys() and family())
    if not isinstance(found, dict):
        check(f"{output}: the job runs", False, (job.poll(), family()))
        print(job.communicate()[0] if job.poll() is not None else "", *denials(), sep="\n", flush=True)
        return None
    found["monitor"] = job.pid
    for name in ("monitor", *names):
        equal(f"{output}: {name} is in its profile", OURS, profile(found[name]))
    equal(f"{output}: QEMU is in both", QEMU, profile(found[NAME]))
    return found


def denials():
    lines = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout.splitlines()
    return [line for line in lines if 'apparmor="DENIED"' in line]


def attack(name, pid, what, number, *values):
    """Refused by AppArmor, and told of: a line about this process."""
    try:
        answer = call(pid, number, *values)
    except OSError as error:
        answer = error
    equal(f"{name}: {what} is refused", REFUSED, answer)
    told = [line for line in denials() if line not in expected and re.search(rf"\bpid={pid}\b", line)]
    check(f"{name}: {what} is logged", told, "no line about it")
    print(*told, sep="\n", flush=True)
    expected.update(told)


def passes(output, job, acceleration, transport):
    """The job ends as one does that nothing confines."""
    equal(f"{output}: the job passes all the same", 0, end(job))
    equal(f"{output}: it ran on", (acceleration, transport), (execution(output)["acceleration"], execution(output)["transport"]))
    gone = execution(output)["destruction"]
    check(f"{output}: nothing of it is left", gone["left"] == "" and gone["processesGone"], gone)


def nothing_else_refused():
    unexpected = [line for line in denials() if line not in expected]
    check("nothing else was refused", not unexpected, "\n".join(unexpected))
