# SPDX-License-Identifier: Apache-2.0
"""Reviewers at their desk: keys of every kind, policies that name them, and results to sign off.

    desk = Desk(folder)                                 # keys: station, alice, bob, carol (SSH), wanda (waiver), mallory
    policy = desk.policy("medium", required=2)          # a policy file; keyword arguments change it
    result = desk.result(policy, "name")                # an evaluation in process isolation under it: an output directory
    desk.approve(result, policy, "alice")               # each returns the finished process
    desk.release(result, policy)

released_result() makes a directory in which everything is there: a result, two sign-offs (one by PEM, one by SSH), a
waiver and the release.
"""
import base64
import datetime
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("LAZARET_BUILD", ROOT / "build"))
DIGITS = ROOT / "examples" / "digits"
TYPE = b"application/vnd.in-toto+json"

CHECKS = """checks:
  clean-accuracy: {{required: true, accuracy: {accuracy}}}
  pgd:
    required: true
    iterations: 2
    restarts: 0
    step: 0.5
    curves: [{{norm: inf, eps: [0.01]}}]
  square:
    required: true
    iterations: 2
    restarts: 0
    curves: [{{norm: inf, eps: [0.01]}}]
  robustness:
    required: true
    thresholds: [{{norm: inf, eps: 0.01, robustAccuracy: 0.5}}]
  activation-clustering:
    required: {clustering}
    components: 10
    starts: 10
    minimumClassSize: 20
    alpha: 0.01
    minimumEffect: 0.1
    maximumTestShare: 0.1
"""


def day(offset):
    """A date so many days from now."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)).strftime("%Y-%m-%d")


def moment(seconds):
    """A time so many seconds from now, as documents have it."""
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def pae(payload):
    return b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE, len(payload), payload)


def run(*arguments, data=None):
    """Runs a program that must succeed; its output."""
    made = subprocess.run([*map(str, arguments)], input=data, capture_output=True, timeout=120, check=False)
    if made.returncode != 0:
        raise RuntimeError(f"{arguments}: {made.stderr.decode()}")
    return made.stdout


class Desk:
    PEM = ("station", "alice", "bob", "wanda", "mallory")
    SSH = ("carol", "dora")

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for name in self.PEM:
            run(BUILD / "lazaret", "keygen", "-o", self.folder / name)
        for name, kind in zip(self.SSH, ("ed25519", "ecdsa")):
            run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", self.folder / name)
        self.count = 0

    # --- keys and policies ---

    def private(self, name):
        return self.folder / (name if name in self.SSH else f"{name}.pem")

    def public_text(self, name):
        path = self.folder / (f"{name}.pub" if name in self.SSH else f"{name}.pub.pem")
        return path.read_text()

    def fingerprint(self, name):
        """SHA-256 of the SubjectPublicKeyInfo of a PEM key."""
        der = run("openssl", "pkey", "-pubin", "-in", self.folder / f"{name}.pub.pem", "-outform", "DER")
        return hashlib.sha256(der).hexdigest()

    def keyring(self, names, extra=None, revoked=()):
        """YAML of keys; `extra` has lines for some of them."""
        uses = {"station": "result", "wanda": "waiver"}
        lines = ["keys:"]
        for name in names:
            lines += [f"  - name: {name}", f"    use: [{uses.get(name, 'reviewer')}]", "    publicKey: |"]
            lines += [f"      {line}" for line in self.public_text(name).strip().splitlines()]
            lines += [f"    {line}" for line in (extra or {}).get(name, [])]
        if revoked:
            lines += ["revoked:"] + [f"  - {{fingerprint: {hex}, since: {since}}}" for hex, since in revoked]
        return "\n".join(lines) + "\n"

    def policy(self, tier="medium", required=2, reviewers=None, accuracy=0.8, clustering="false", extra=None, revoked=(),
               keys=None, days=None, name=None):
        reviewers = reviewers if reviewers is not None else {"alice": "high", "bob": "high", "carol": "high",
                                                             "dora": "high"}
        keys = keys if keys is not None else ["station", "wanda", *reviewers]
        text = f"tier: {tier}\nisolation: [process]\nminimumSamples: 200\n"
        text += self.keyring(keys, extra, revoked) if keys else ""
        if reviewers:
            text += f"approval:\n  required: {required}\n" + (f"  days: {days}\n" if days else "") + "  reviewers:\n"
            text += "".join(f"    - {{name: {who}, tier: {upto}}}\n" for who, upto in reviewers.items())
        text += CHECKS.format(accuracy=accuracy, clustering=clustering)
        self.count += 1
        path = self.folder / (name or f"policy-{self.count}.yaml")
        path.write_text(text)
        return path

    # --- the program ---

    def lazaret(self, *arguments):
        return subprocess.run([str(BUILD / "lazaret"), *map(str, arguments)], capture_output=True, text=True, timeout=120,
                              check=False, stdin=subprocess.DEVNULL)

    def result(self, policy, name, model="clean.onnx", extra=()):
        output = self.folder / name
        made = self.lazaret("evaluate", DIGITS / model, "--test", DIGITS / "test.npz", "--spec", DIGITS / "spec.yaml",
                            "--policy", policy, "--key", self.private("station"), "-o", output, "--isolation", "process",
                            "--quiet", *extra)
        if made.returncode not in (0, 1, 2):
            raise RuntimeError(made.stderr)
        return output

    def copy(self, result, name):
        target = self.folder / name
        shutil.copytree(result, target)
        return target

    def approve(self, result, policy, name, *extra):
        return self.lazaret("approve", result, "--policy", policy, "--key", self.private(name), *extra)

    def waive(self, result, policy, check, *extra, by="wanda", expires=None):
        return self.lazaret("waive", result, "--policy", policy, "--check", check, "--reason", "known, and harmless here",
                            "--expires", expires or day(30), "--key", self.private(by), *extra)

    def release(self, result, policy, *extra):
        return self.lazaret("release", result, "--policy", policy, "--key", self.private("station"), *extra)

    def check(self, result, policy, *extra):
        return self.lazaret("release", result, "--policy", policy, "--check", *extra)

    def verify(self, result, *extra):
        """The auditor's program."""
        return subprocess.run([str(BUILD / "lazaret-verify"), str(result), *map(str, extra)], capture_output=True, text=True,
                              timeout=120, check=False)

    # --- documents by hand ---

    def sign(self, payload, name):
        """A signature over the payload's PAE by a PEM key, by OpenSSL."""
        return run("openssl", "dgst", "-sha256", "-sign", self.private(name), data=pae(payload))

    def bundle(self, payload, name):
        """The text of a bundle with one signature."""
        return canonical({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": self.fingerprint(name)}, "tlogEntries": []},
            "dsseEnvelope": {"payload": base64.b64encode(payload).decode(), "payloadType": TYPE.decode(),
                             "signatures": [{"sig": base64.b64encode(self.sign(payload, name)).decode(), "keyid": ""}]},
        }) + b"\n"

    def ssh_sign(self, payload, key, namespace="lazaret-approval"):
        """SSHSIG over the payload's PAE by ssh-keygen, which looks for the public half beside a private key."""
        public = pathlib.Path(f"{key}.pub")
        if not public.exists():
            public.write_bytes(run("ssh-keygen", "-y", "-f", key))
        return run("ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", key, data=pae(payload))


def payload_of(path):
    return base64.b64decode(json.loads(pathlib.Path(path).read_text())["dsseEnvelope"]["payload"])


def released_result(folder, name="released"):
    """(desk, policy, result): a medium result, signed off by alice (PEM) and carol (SSH), a waiver, and the release."""
    desk = Desk(folder)
    policy = desk.policy("medium", required=2, clustering="true")
    result = desk.result(policy, name)
    for made in (desk.waive(result, policy, "activation-clustering"), desk.approve(result, policy, "alice"),
                 desk.approve(result, policy, "carol"), desk.release(result, policy)):
        if made.returncode != 0:
            raise RuntimeError(made.stdout + made.stderr)
    return desk, policy, result
