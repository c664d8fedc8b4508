# SPDX-License-Identifier: Apache-2.0
"""Signed results to tamper with: two real evaluations, with ledger entries and timestamps, and all keys at hand."""
import base64
import copy
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LAZARET_BUILD", ROOT / "build"))
DIGITS = ROOT / "examples" / "digits"
TYPE = "application/vnd.in-toto+json"
EXTENSION = "https://lazaret.dev/evaluation/v1"
ORIGIN = "example.org/lazaret"

POLICY = """tier: low
isolation: [process]
minimumSamples: 200
checks:
  scan: {required: true}
  clean-accuracy: {required: true, accuracy: 0.80}
  fgsm:
    required: true
    goal: untargeted
    restarts: 0
    curves: [{norm: inf, eps: [0.01, 0.03]}]
    thresholds: [{norm: inf, eps: 0.01, robustAccuracy: 0.70}]
"""

# A timestamp authority by OpenSSL's own command line.
TSA_CONFIG = """[tsa]
default_tsa = tsa1
[tsa1]
serial = {folder}/tsa.serial
signer_digest = sha256
digests = sha256
default_policy = 1.2.3.4.1
ess_cert_id_alg = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
"""


def run(*arguments, data=None):
    """Runs a program that must succeed; returns its output's bytes."""
    made = subprocess.run([*map(str, arguments)], input=data, capture_output=True, timeout=120, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    if made.returncode != 0:
        raise RuntimeError(f"{arguments}: {made.stderr.decode()}")
    return made.stdout


def canonical(value):
    """RFC 8785 for integers, strings and ASCII keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def b64(data):
    return base64.b64encode(data).decode()


def changed_base64(text):
    """The base64 of bytes of which one bit is changed."""
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return b64(bytes(data))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def sign(payload, key):
    """A DSSE signature by OpenSSL."""
    pae = b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload)
    return run("openssl", "dgst", "-sha256", "-sign", key, data=pae)


def fingerprint(public):
    return sha256(run("openssl", "pkey", "-pubin", "-in", public, "-outform", "DER"))


def merkle_root(leaves):
    """RFC 6962's tree of two leaves."""
    hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    return hashlib.sha256(b"\1" + hashes[0] + hashes[1]).digest(), hashes


class Witness:
    """An Ed25519 key that cosigns checkpoints (C2SP tlog-cosignature), by OpenSSL."""

    def __init__(self, folder, name):
        self.name, self.key = name, folder / f"{name}.pem"
        run("openssl", "genpkey", "-algorithm", "ed25519", "-out", self.key)
        public = run("openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER")[-32:]
        self.identity = hashlib.sha256(name.encode() + b"\n\x04" + public).digest()[:4]
        self.vkey = f"{name}+{self.identity.hex()}+{b64(bytes([4]) + public)}"

    def cosign(self, text, seconds=1700000000):
        """The note with one signature line more."""
        body = text.split("\n\n")[0] + "\n"
        signature = ed25519(self.key, f"cosignature/v1\ntime {seconds}\n{body}".encode())
        return f"{text}\u2014 {self.name} {b64(self.identity + seconds.to_bytes(8, 'big') + signature)}\n"


def ed25519(key, data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return run("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", file.name)


def note(log, size, root):
    """A checkpoint that the ledger's own key signs (C2SP tlog-checkpoint, by OpenSSL); the key's id with it."""
    name, short, key = (log / "vkey").read_text().strip().split("+", 2)
    identity = hashlib.sha256(name.encode() + b"\n" + base64.b64decode(key)).digest()
    assert identity[:4].hex() == short
    text = f"{name}\n{size}\n{b64(root)}\n"
    signature = ed25519(f"{log}.pem", text.encode())
    return f"{text}\n\u2014 {name} {b64(identity[:4] + signature)}\n", identity


class Material:
    """Keys, a ledger, an authority, and two results in `folder`/a and /b; all of it is read only afterwards."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.policy = self.folder / "policy.yaml"
        self.policy.write_text(POLICY)
        for name in ("key", "other"):
            run(BUILD / "lazaret", "keygen", "-o", self.folder / name)
        self.key, self.public = self.folder / "key.pem", self.folder / "key.pub.pem"
        self.other, self.other_public = self.folder / "other.pem", self.folder / "other.pub.pem"
        for name in ("log", "log2"):
            run(BUILD / "lazaret", "ledger", "init", self.folder / name, "--origin", ORIGIN)
        self.log = self.folder / "log"
        self.make_authority("tsa")
        self.make_authority("other-tsa")
        self.older = self.folder / "older.checkpoint"
        for name, model in (("a", "clean.onnx"), ("b", "bd15.onnx")):
            self.evaluate(name, model)
            self.stamp(name)
        self.forked = self.folder / "forked.checkpoint"
        self.forked.write_text(note(self.log, 2, bytes(32))[0])
        self.witnesses = [Witness(self.folder, name) for name in ("w1.example", "w2.example")]
        self.make_keyrings()

    def evaluate(self, name, model):
        shutil.copy(DIGITS / model, self.folder / f"{name}.onnx")
        run(BUILD / "lazaret", "evaluate", self.folder / f"{name}.onnx", "--test", DIGITS / "test.npz", "--spec",
            DIGITS / "spec.yaml", "--policy", self.policy, "--key", self.key, "--ledger", self.log, "-o",
            self.folder / name, "--isolation", "process", "--quiet")
        if name == "a":
            shutil.copy(self.log / "checkpoint", self.older)

    def make_authority(self, name):
        """A root and a certificate for timestamping."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "tsa.serial").write_text("01\n")
        (folder / "config").write_text(TSA_CONFIG.format(folder=folder))
        (folder / "extensions").write_text("extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        run("openssl", "req", "-x509", *curve, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", "30",
            "-subj", f"/CN={name} root")
        run("openssl", "req", *curve, "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr", "-subj", f"/CN={name}")
        run("openssl", "x509", "-req", "-in", folder / "tsa.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
            "-set_serial", "2", "-days", "30", "-extfile", folder / "extensions", "-out", folder / "tsa.pem")

    def timestamp(self, signature, authority="tsa"):
        folder = self.folder / authority
        (folder / "data").write_bytes(signature)
        run("openssl", "ts", "-query", "-data", folder / "data", "-sha256", "-cert", "-out", folder / "request")
        run("openssl", "ts", "-reply", "-config", folder / "config", "-queryfile", folder / "request", "-signer",
            folder / "tsa.pem", "-inkey", folder / "tsa.key", "-out", folder / "reply")
        return (folder / "reply").read_bytes()

    def stamp(self, name):
        path = self.folder / name / "result.sigstore.json"
        bundle = json.loads(path.read_text())
        signature = base64.b64decode(bundle["dsseEnvelope"]["signatures"][0]["sig"])
        bundle["verificationMaterial"]["timestampVerificationData"] = {
            "rfc3161Timestamps": [{"signedTimestamp": b64(self.timestamp(signature))}]}
        path.write_bytes(canonical(bundle) + b"\n")

    def revocation_now(self):
        """A time after all signatures and timestamps, and before the tests."""
        since = int(time.time()) + 1
        time.sleep(1.1)
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))

    def make_keyrings(self):
        """Rings that know the key, each in its way."""
        pem = "".join(f"      {line}\n" for line in self.public.read_text().splitlines())
        other = "".join(f"      {line}\n" for line in self.other_public.read_text().splitlines())
        known = f"keys:\n  - name: station-1\n    use: [result]\n    publicKey: |\n{pem}"
        revoked = f"revoked:\n  - {{fingerprint: {fingerprint(self.public)}, since: 2020-01-01, reason: stolen}}\n"
        self.rings = {
            "good": known + "    notBefore: 2020-01-01\n    notAfter: 9999-12-31\n",
            "expired": known + "    notAfter: 2020-01-01\n",
            "early": known + "    notBefore: 9999-01-01\n",
            "revoked": known + revoked,
            "revoked-later": known + revoked.replace("2020-01-01", self.revocation_now()),
            "revoked-to-come": known + revoked.replace("2020", "9999"),
            "not-listed": known.replace(pem, other),
            "other-use": known.replace("[result]", "[reviewer]") + "  - name: station-2\n    use: [result]\n"
                         "    publicKey: |\n" + other,
        }
        for name, text in self.rings.items():
            (self.folder / f"{name}.yaml").write_text(text)


class Copy:
    """A result to tamper with, and the words that lazaret-verify is given for it."""

    def __init__(self, material, folder, name="a"):
        self.material, self.name = material, name
        self.folder = pathlib.Path(folder)
        self.out = self.folder / "out"
        shutil.copytree(material.folder / name, self.out)
        self.log = self.folder / "log"
        self.inputs = {"key": material.public, "model": material.folder / f"{name}.onnx", "test": DIGITS / "test.npz",
                       "spec": DIGITS / "spec.yaml", "ledger-key": material.log / "vkey",
                       "tsa-ca": material.folder / "tsa" / "ca.pem"}
        self.file = self.out / "result.sigstore.json"

    def arguments(self):
        return [str(self.out), *[word for name, value in self.inputs.items() for word in (f"--{name}", str(value))]]

    def take_log(self):
        """A ledger of its own to tamper with."""
        shutil.copytree(self.material.log, self.log)
        return self.log

    def bundle(self):
        return json.loads(self.file.read_text())

    def write_bundle(self, bundle):
        self.file.write_bytes(canonical(bundle) + b"\n")

    def statement(self):
        return json.loads(base64.b64decode(self.bundle()["dsseEnvelope"]["payload"]))

    def resign(self, payload, key=None, hint=None, keep=False):
        """Signs other bytes as the holder of a key would, without the record that was of the old ones."""
        bundle = self.bundle()
        if not keep and isinstance(payload, dict) and EXTENSION in payload.get("predicate", {}):
            payload["predicate"][EXTENSION].pop("ledger", None)
        payload = payload if isinstance(payload, bytes) else canonical(payload)
        bundle["dsseEnvelope"]["payload"] = b64(payload)
        bundle["dsseEnvelope"]["signatures"] = [{"keyid": "", "sig": b64(sign(payload, key or self.material.key))}]
        bundle["verificationMaterial"] = {
            "publicKey": {"hint": hint or bundle["verificationMaterial"]["publicKey"]["hint"]}, "tlogEntries": []}
        self.write_bundle(bundle)

    def log_again(self, witnesses=()):
        """An entry for the bundle as it is, in a ledger of two leaves by the same operator, and cosigned."""
        bundle = self.bundle()
        envelope = bundle["dsseEnvelope"]
        leaf = canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": sha256(canonical(envelope))},
            "payloadHash": {"algorithm": "sha256", "value": sha256(base64.b64decode(envelope["payload"]))},
            "signatures": [{"signature": envelope["signatures"][0]["sig"],
                            "verifier": b64(self.material.public.read_bytes())}]}})
        root, hashes = merkle_root([b"another leaf", leaf])
        text, identity = note(self.material.log, 2, root)
        for witness in witnesses:
            text = witness.cosign(text)
        bundle["verificationMaterial"]["tlogEntries"] = [{
            "logIndex": "1", "logId": {"keyId": b64(identity)}, "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "inclusionProof": {"logIndex": "1", "rootHash": b64(root), "treeSize": "2", "hashes": [b64(hashes[0])],
                               "checkpoint": {"envelope": text}}, "canonicalizedBody": b64(leaf)}]
        self.write_bundle(bundle)

    def twin(self):
        """The same of the other result."""
        other = copy.copy(self)
        other.out = self.material.folder / ("b" if self.name == "a" else "a")
        other.file = other.out / "result.sigstore.json"
        return other


def flip(path, offset=None):
    """Changes one bit."""
    data = bytearray(pathlib.Path(path).read_bytes())
    data[len(data) // 2 if offset is None else offset] ^= 1
    pathlib.Path(path).write_bytes(data)


def tree_digest(folder):
    """Of all files below a folder, names and links included."""
    total = hashlib.sha256()
    for path in sorted(pathlib.Path(folder).rglob("*")):
        total.update(str(path.relative_to(folder)).encode() + b"\0")
        if path.is_symlink():
            total.update(os.readlink(path).encode())
        elif path.is_file() and path.stat().st_size > 1 << 30:
            total.update(b"%d" % path.stat().st_size)
        elif path.is_file():
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
