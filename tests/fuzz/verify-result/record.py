#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes seeds of the target `verify-result` of real results.

usage: record.py LAZARET FOLDER

Evaluates the tiny model of tests/fuzz/wire/record.py, once for each check and once for people: of the medium tier, with a
waiver, a sign-off and the release. FOLDER gets a list of files of each, as fuzz_verify_result.c tells, with each digest of
another file of the list by its name. To be run again when the forms of statements, evaluations or policies change.
"""
import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "fuzz" / "wire"))
import record as wire  # noqa: E402

# In such an order that a file comes after all whose digests it has.
FIRST = ["policy.yaml", "spec.yaml", "plan.json", "evaluation.json", "execution.json", "findings.sarif", "junit.xml",
         "forensics.json", "console.log", "result.sigstore.json", "approval.json"]
PEOPLE = """tier: medium
arithmetic: mul-add
isolation: [process]
minimumSamples: 1
checks:
  scan: {required: true}
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
  %s: {required: true, %s}
  square: {required: true, iterations: 2, restarts: 0, curves: [{norm: 2, eps: [0.1]}]}
  robustness: {required: true, thresholds: [{norm: 2, eps: 0.1, bound: point, robustAccuracy: 0.1}]}
  activation-clustering: {required: true, reduction: pca, components: 3, starts: 5, minimumClassSize: 4, alpha: 0.05,
    minimumEffect: 0.05, maximumTestShare: 0.1}
approval: {required: 1, reviewers: [{name: ann, tier: high}], days: 3650}
"""
RING = """keys:
  - name: ann
    use: [result, reviewer, waiver]
    publicKey: |
%s"""


def payload_of(bundle):
    return base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"])


def pack(result, model, fingerprint, auditor=None):
    """The list of files, in bytes; with the auditor's own policy where there is one."""
    present = {path.name for path in result.iterdir()}
    names = [name for name in FIRST if name in present]
    names += sorted(name for name in present - {*FIRST, "release.sigstore.json"} if name.endswith(".sigstore.json"))
    names += [name for name in ["release.sigstore.json"] if name in present]
    parts, digests = [b"=== model.onnx\n" + model.read_bytes()], {fingerprint: b"@key@"}
    digests[hashlib.sha256(model.read_bytes()).hexdigest()] = b"@model.onnx@"
    for name in names:
        written = (result / name).read_bytes()
        content = payload_of(written) if name.endswith(".sigstore.json") else written
        seed = content
        for digest, place in digests.items():
            seed = seed.replace(digest.encode(), place)
        parts.append(b"=== %s\n" % name.encode() + seed)
        digests[hashlib.sha256(written).hexdigest()] = b"@%s@" % name.encode()
        if name.endswith(".sigstore.json"):
            digests[hashlib.sha256(content).hexdigest()] = b"@payload:%s@" % name.encode()
    if auditor is not None:
        parts.append(b"=== auditor.yaml\n" + auditor.encode())
    return b"\n".join(parts)


def sign_off(lazaret, folder, result):
    common = [result, "--policy", "policy.yaml", "--keys", "keys.yaml", "--key", "key.pem"]
    for command in (["waive", *common, "--check", "activation-clustering", "--reason", "no training set", "--expires",
                     "2036-01-01"], ["approve", *common], ["release", *common]):
        subprocess.run([lazaret, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def main(lazaret, output):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        wire.write_inputs(folder)
        subprocess.run([lazaret, "keygen", "-o", folder / "key"], check=True, stdout=subprocess.DEVNULL)
        pem = (folder / "key.pub.pem").read_text()
        (folder / "keys.yaml").write_text(RING % "".join(f"      {line}\n" for line in pem.splitlines()))
        fingerprint = hashlib.sha256(base64.b64decode("".join(pem.splitlines()[1:-1]))).hexdigest()
        for check in wire.CHECKS:
            wire.evaluate(lazaret, folder, check)
            auditor = (folder / "policy.yaml").read_text().replace("accuracy: 0.5", "accuracy: 1")
            (output / f"check-{check}").write_bytes(
                pack(folder / f"result-{check}", folder / "model.onnx", fingerprint, auditor))
        (folder / "result-pgd").rename(folder / "result-first")
        wire.evaluate(lazaret, folder, "pgd", PEOPLE)
        sign_off(lazaret, folder, "result-pgd")
        (output / "released").write_bytes(pack(folder / "result-pgd", folder / "model.onnx", fingerprint))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]))
