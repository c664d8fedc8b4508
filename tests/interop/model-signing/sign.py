# SPDX-License-Identifier: Apache-2.0
"""An independent writer of OpenSSF model signatures, with python3-cryptography and pathlib.

It follows the format's own documents; nothing of it is shared with the program under test. Each part of a signature
can be changed before it is put together, so that tests make what should be refused with a signature that holds.
"""
import base64
import datetime
import hashlib
import json
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PAYLOAD_TYPE = "application/vnd.in-toto+json"
CURVES = {"p256": (ec.SECP256R1, hashes.SHA256), "p384": (ec.SECP384R1, hashes.SHA384),
          "p521": (ec.SECP521R1, hashes.SHA512)}
DAY = datetime.timedelta(days=1)


# --- keys and certificates

def new_key(curve="p256"):
    return ec.generate_private_key(CURVES[curve][0]())


def hash_of(key):
    return {256: hashes.SHA256, 384: hashes.SHA384, 521: hashes.SHA512}[key.curve.key_size]()


def pem(public_key):
    return public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate_pem(*certificates):
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def certificate(name, key, issuer=None, issuer_key=None, ca=False, starts=-DAY, ends=365 * DAY, key_usage="signature",
                extended=(ExtendedKeyUsageOID.CODE_SIGNING,), email=None, uri=None, digest=None, path_length=None):
    """A certificate of `key` for `name`, signed by `issuer_key` (its own where there is none)."""
    now = datetime.datetime.utcnow()
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
                         x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (x509.CertificateBuilder().subject_name(subject)
               .issuer_name(issuer.subject if issuer else subject).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(now + starts).not_valid_after(now + ends)
               .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True))
    if key_usage:
        use = "ca" if ca else key_usage
        builder = builder.add_extension(
            x509.KeyUsage(digital_signature=use == "signature", content_commitment=False,
                          key_encipherment=use == "encipherment", data_encipherment=False, key_agreement=False,
                          key_cert_sign=use == "ca", crl_sign=False, encipher_only=False, decipher_only=False),
            critical=True)
    if extended and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(extended)), critical=False)
    names = ([x509.RFC822Name(email)] if email else []) + ([x509.UniformResourceIdentifier(uri)] if uri else [])
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key or key, digest or hashes.SHA256())


def new_rsa():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


# --- manifests

def hasher(name):
    return hashlib.sha256() if name == "sha256" else hashlib.blake2b()


def files_below(root, ignored=()):
    """Relative paths in the order of pathlib, which compares component by component."""
    found = sorted(p.relative_to(root) for p in root.glob("**/*") if p.is_file())
    return [p for p in found if not any(p == pathlib.PurePosixPath(i) or pathlib.PurePosixPath(i) in p.parents
                                        for i in ignored)]


def digest(data, hash_type="sha256"):
    state = hasher(hash_type)
    state.update(data)
    return state.hexdigest()


def resources_of(root, hash_type="sha256", shard_size=None, ignored=()):
    items = []
    paths = [pathlib.PurePosixPath(".")] if root.is_file() else files_below(root, ignored)
    for path in paths:
        data = (root / path if root.is_dir() else root).read_bytes()
        if shard_size is None:
            items.append({"name": str(path), "algorithm": hash_type, "digest": digest(data, hash_type)})
            continue
        ends = [*range(shard_size, len(data), shard_size), len(data)]
        for start, end in zip([0, *ends], ends):
            items.append({"name": f"{path}:{start}:{end}", "algorithm": f"{hash_type}-sharded-{shard_size}",
                          "digest": digest(data[start:end], hash_type)})
    return items


def root_digest(items):
    return hashlib.sha256(b"".join(bytes.fromhex(i["digest"]) for i in items)).hexdigest()


def statement(name, items, hash_type="sha256", shard_size=None, ignored=(), subject_digest=None):
    serialization_ = {"method": "files" if shard_size is None else "shards", "hash_type": hash_type,
                      "allow_symlinks": False, "ignore_paths": list(ignored)}
    if shard_size is not None:
        serialization_["shard_size"] = float(shard_size)  # as protobuf's Struct writes it
    return {"_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": name, "digest": {"sha256": subject_digest or root_digest(items)}}],
            "predicateType": "https://model_signing/signature/v1.0",
            "predicate": {"serialization": serialization_, "resources": [dict(item) for item in items]}}


def legacy_statement(items):
    return {"_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": i["name"], "digest": {"sha256": i["digest"]},
                         "annotations": {"actual_hash_algorithm": "file-sha256"}} for i in items],
            "predicateType": "https://model_signing/Digests/v0.1", "predicate": {"unused": "Unused"}}


# --- bundles

def pae(payload):
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def old_pae(payload):
    """What model_signing 0.2 signed by mistake."""
    return f"DSSEV1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} {payload}".encode()


def b64(data):
    return base64.b64encode(data).decode()


def bundle(signed, key, chain=None, encode=pae, material=None, keyid=""):
    """The signature file's content as a dictionary; `chain` makes it one by certificate."""
    payload = signed if isinstance(signed, bytes) else json.dumps(signed, indent=2).encode()
    if material is None and chain:
        material = {"x509CertificateChain": {"certificates": [
            {"rawBytes": b64(c.public_bytes(serialization.Encoding.DER))} for c in chain]}, "tlogEntries": []}
    elif material is None:
        material = {"publicKey": {"hint": hashlib.sha256(pem(key.public_key())).hexdigest()}, "tlogEntries": []}
    signature = key.sign(encode(payload), ec.ECDSA(hash_of(key)))
    return {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": material,
            "dsseEnvelope": {"payload": b64(payload), "payloadType": PAYLOAD_TYPE,
                             "signatures": [{"sig": b64(signature), "keyid": keyid}]}}


def sign(model, key, ignored=(), **options):
    """Signs a file or a folder."""
    build = {k: options.pop(k) for k in ("hash_type", "shard_size") if k in options}
    items = resources_of(model, ignored=ignored, **build)
    return bundle(statement(model.name, items, ignored=ignored, **build), key, **options)
