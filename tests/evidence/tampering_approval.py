# SPDX-License-Identifier: Apache-2.0
"""Tamperings with what people signed beside a result: sign-offs, waivers and the release, and with the result under them.

`lazaret release --check` judges; the desk of tests/evidence/approval has the reviewers and a released result.
"""
import base64
import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "approval"))
import desk as office  # noqa: E402
from material import BUILD, canonical, changed_base64, flip, sha256  # noqa: E402
from table import Row  # noqa: E402

ALICE, CAROL = "approval-alice.sigstore.json", "approval-carol.sshsig"
WAIVER, RELEASE = "waiver-activation-clustering.sigstore.json", "release.sigstore.json"


class Room:
    """A released result, another one for swaps, and copies of the first."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.desk, self.policy, self.released = office.released_result(folder)
        self.other = self.desk.result(self.policy, "other-result", model="bd15.onnx")

    def command(self, result, policy=None):
        return [BUILD / "lazaret", "release", result, "--policy", policy or self.policy, "--check"]


def edit(name, change):
    """A change of a bundle's JSON that nobody signs."""
    def tamper(result, room):
        value = json.loads((result / name).read_text())
        change(value, room)
        (result / name).write_bytes(canonical(value) + b"\n")
    return tamper


def resign(name, change, by):
    """Another document in a file's place, signed by one of the desk."""
    def tamper(result, room):
        statement = json.loads(office.payload_of(result / name))
        change(statement, statement["predicate"], room)
        (result / name).write_bytes(room.desk.bundle(canonical(statement), by))
    return tamper


def extension(predicate):
    return next(value for key, value in predicate.items() if key.startswith("https://"))


def payload_bit(value, _):
    value["dsseEnvelope"]["payload"] = changed_base64(value["dsseEnvelope"]["payload"])


def signature_bit(value, _):
    signature = value["dsseEnvelope"]["signatures"][0]
    signature["sig"] = changed_base64(signature["sig"])


def bit(name):
    return lambda result, room: flip(result / name)


def gone(name):
    return lambda result, room: (result / name).unlink()


def pipe(name):
    """A FIFO, from which a careless reader would wait for ever."""
    def tamper(result, room):
        (result / name).unlink()
        os.mkfifo(result / name)
    return tamper


def link(name):
    """The very same bytes, which lie elsewhere and may be others tomorrow."""
    def tamper(result, room):
        (result / name).rename(result.parent / name)
        (result / name).symlink_to(result.parent / name)
    return tamper


def armour_bit(name):
    """A bit of an SSH signature's own bytes, under an armour that still parses."""
    def tamper(result, room):
        lines = (result / name).read_text().splitlines()
        data = bytearray(base64.b64decode("".join(lines[1:-1])))
        data[-3] ^= 1
        text = base64.b64encode(bytes(data)).decode()
        body = [text[i:i + 70] for i in range(0, len(text), 70)]
        (result / name).write_text("\n".join([lines[0], *body, lines[-1]]) + "\n")
    return tamper


def twice(result, room):
    """One reviewer under two names."""
    (result / CAROL).unlink()
    shutil.copy(result / ALICE, result / ALICE.replace("alice", "bob"))


def of_another_result(name):
    """The file as it stands beside another result."""
    def tamper(result, room):
        other = room.folder / "swapped"
        if not other.exists():
            shutil.copytree(room.other, other)
            for made in (room.desk.waive(other, room.policy, "activation-clustering"),
                         room.desk.approve(other, room.policy, "alice"), room.desk.approve(other, room.policy, "carol")):
                assert made.returncode in (0, 1), made.stderr
        shutil.copy(other / name if (other / name).exists() else room.other / name, result / name)
    return tamper


def replace_text(name, old, new):
    def tamper(result, room):
        text = (result / name).read_text()
        assert old in text
        (result / name).write_text(text.replace(old, new, 1))
    return tamper


ROWS = [
    ("sign-off: a bit of its statement", bit("approval.json"), "approval"),
    ("sign-off: a bit of the payload", edit(ALICE, payload_bit), "alice"),
    ("sign-off: a bit of the signature", edit(ALICE, signature_bit), "alice"),
    ("sign-off: a bit of an SSH signature", armour_bit(CAROL), "carol"),
    ("sign-off: gone", gone(ALICE), "alice|sign-off"),
    ("sign-off: an SSH one gone", gone(CAROL), "carol|sign-off"),
    ("sign-off: a FIFO in its place", pipe(ALICE), "alice.*not a regular file"),
    ("sign-off: a link in its place", link(ALICE), "alice.*a symbolic link"),
    ("sign-off: a FIFO for an SSH one", pipe(CAROL), "carol.*not a regular file"),
    ("sign-off: a FIFO for its statement", pipe("approval.json"), "approval.json.*not a regular file"),
    ("sign-off: by a stranger in alice's name", resign(ALICE, lambda s, p, r: None, "mallory"), "alice"),
    ("sign-off: one reviewer under two names", twice, "."),
    ("sign-off: of another result", resign(ALICE, lambda s, p, r: s["subject"][0]["digest"].update(sha256="0" * 64),
                                           "alice"), "alice|another"),
    ("sign-off: of another policy", resign(ALICE, lambda s, p, r: p["verifier"]["policies"][0]["digest"].update(
        sha256="0" * 64), "alice"), "alice|policy"),
    ("sign-off: of a lower tier", resign(ALICE, lambda s, p, r: extension(p).update(tier="low"), "alice"), "alice|tier"),
    ("sign-off: expired", resign(ALICE, lambda s, p, r: (p.update(timeCreated="2020-01-01T00:00:00Z"),
                                                        extension(p).update(validUntil="2020-01-02T00:00:00Z")), "alice"),
     "alice|expired"),
    ("sign-off: of another property", resign(ALICE, lambda s, p, r: p.update(properties=["X_RELEASED"]), "alice"),
     "alice|properties"),
    ("waiver: a bit of the payload", edit(WAIVER, payload_bit), "waiver|activation-clustering"),
    ("waiver: a bit of the signature", edit(WAIVER, signature_bit), "waiver|activation-clustering"),
    ("waiver: gone", gone(WAIVER), "waiver|activation-clustering"),
    ("waiver: of another check", resign(WAIVER, lambda s, p, r: extension(p).update(check="pgd"), "wanda"),
     "waiver|activation-clustering"),
    ("waiver: by a reviewer", resign(WAIVER, lambda s, p, r: None, "alice"), "waiver|activation-clustering"),
    ("waiver: expired", resign(WAIVER, lambda s, p, r: (p.update(timeCreated="2020-01-01T00:00:00Z"), extension(
        p).update(validUntil="2020-01-02T00:00:00Z")), "wanda"), "waiver|activation-clustering"),
    ("release: a bit of the payload", edit(RELEASE, payload_bit), "release"),
    ("release: a bit of the signature", edit(RELEASE, signature_bit), "release"),
    ("release: a FIFO in its place", pipe(RELEASE), "release.*not a regular file"),
    ("waiver: a link in its place", link(WAIVER), "activation-clustering.*a symbolic link"),
    ("release: by a reviewer", resign(RELEASE, lambda s, p, r: None, "alice"), "release"),
    ("release: of another result", resign(RELEASE, lambda s, p, r: extension(p).update(statement="0" * 64), "station"),
     "release.*of another result"),
    ("release: of another model", resign(RELEASE, lambda s, p, r: s["subject"][1]["digest"].update(sha256="0" * 64),
                                         "station"), "release.*of another result"),
    ("release: of another policy", resign(RELEASE, lambda s, p, r: p["verifier"]["policies"][0]["digest"].update(
        sha256="0" * 64), "station"), "release.*another policy"),
    ("release: fewer sign-offs", resign(RELEASE, lambda s, p, r: extension(p)["signOffs"].pop(), "station"), "release"),
    ("release: fewer required", resign(RELEASE, lambda s, p, r: extension(p).update(required=1), "station"),
     "1 sign-offs were required; the policy requires 2"),
    ("release: without its waiver", resign(RELEASE, lambda s, p, r: extension(p).update(waivers=[]), "station"),
     "release"),
    ("release: another verdict", resign(RELEASE, lambda s, p, r: extension(p).update(verdict="passed"), "station"),
     "it says 'passed', but under the policy the verdict is 'needs-review'"),
    ("release: a sign-off for a release", lambda result, room: shutil.copy(result / ALICE, result / RELEASE), "release"),
    ("result under a release: evaluation.json", bit("evaluation.json"), "evaluation.json"),
    ("result under a release: policy.yaml", replace_text("policy.yaml", "required: 2", "required: 1"), "policy.yaml"),
    ("result under a release: another result", of_another_result("result.sigstore.json"), "."),
    ("swap: the other result's sign-off", of_another_result(ALICE), "alice|another"),
]


def rows(room):
    """The rows, in the form of the table; each judges a copy of the released result."""
    made = []
    for name, tamper, said in ROWS:
        def apply(copy, tamper=tamper):
            shutil.copytree(room.released, copy.folder / "released")
            tamper(copy.folder / "released", room)
        made.append(Row(name, apply, said, command=lambda copy: room.command(copy.folder / "released"),
                        watched="released"))
    return made
