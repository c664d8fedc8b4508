# SPDX-License-Identifier: Apache-2.0
"""lazaret provenance against signatures and lists of checksums that were made independently."""
import base64
import copy
import hashlib
import json
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import ExtendedKeyUsageOID

import sign

LAZARET = pathlib.Path(os.environ["LAZARET_BUILD"]) / "lazaret"
HOLDS, USAGE, BAD_INPUT, NO_INPUT, MISMATCH = 0, 64, 65, 66, 4
EMAIL, URI = "release@example.org", "https://example.org/signers/release"


class Case(unittest.TestCase):
    """A model's folder, a key and a place for signatures, new for each test."""

    @classmethod
    def setUpClass(cls):
        cls.key = sign.new_key()

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.work = pathlib.Path(holder.name)
        self.model = self.work / "model"
        (self.model / "a").mkdir(parents=True)
        for name, content in {"a/b": b"b" * 100, "a-b": b"-", "a.b": b".", "model.onnx": b"weights" * 99,
                              "empty": b"", "Ünï": b"utf-8"}.items():
            (self.model / name).write_bytes(content)
        self.trusted = self.work / "key.pub.pem"
        self.trusted.write_bytes(sign.pem(self.key.public_key()))
        self.file = self.work / "model.sig"

    def run_command(self, model, *arguments):
        return subprocess.run([LAZARET, "provenance", model, *arguments], capture_output=True, text=True, check=False,
                              timeout=60)

    def check(self, bundle, expected, model=None, trust=None, contains="", extra=()):
        """Writes the signature, verifies, and compares exit status and message."""
        self.file.write_text(bundle if isinstance(bundle, str) else json.dumps(bundle))
        trust = trust or ("--trusted-key", self.trusted)
        result = self.run_command(model or self.model, "--signature", self.file, *trust, *extra)
        self.assertEqual(result.returncode, expected, result.stdout + result.stderr)
        self.assertIn(contains, result.stdout + result.stderr)
        return result.stdout

    def signed(self, items=None, change=None, **options):
        """A bundle over a manifest that a test may have changed, signed with the trusted key."""
        statement = sign.statement("model", items if items is not None else sign.resources_of(self.model), **options)
        if change:
            change(statement)
        return sign.bundle(statement, self.key)


class Accepted(Case):
    def test_curves(self):
        for curve in sign.CURVES:
            key = sign.new_key(curve)
            self.trusted.write_bytes(sign.pem(key.public_key()))
            shown = self.check(sign.sign(self.model, key), HOLDS, contains="over 6 files")
            self.assertIn(sign.root_digest(sign.resources_of(self.model)), shown, curve)

    def test_order_of_components(self):
        """pathlib puts a/b before a-b and a.b; strcmp would not. The digest over all follows it."""
        names = [item["name"] for item in sign.resources_of(self.model)]
        self.assertEqual(names[:3], ["a/b", "a-b", "a.b"])
        self.assertNotEqual(names, sorted(names))
        shown = self.check(self.signed(), HOLDS)
        concatenated = b"".join(hashlib.sha256((self.model / n).read_bytes()).digest() for n in names)
        self.assertIn(hashlib.sha256(concatenated).hexdigest(), shown)

    def test_order_random_trees(self):
        choice = random.Random(5)
        for number in range(6):
            root = self.work / f"tree{number}"
            for _ in range(40):
                parts = ["".join(choice.choice("ab-._ ~é") for _ in range(choice.randint(1, 3)))
                         for _ in range(choice.randint(1, 3))]
                path = root.joinpath(*[p if p not in (".", "..") else "x" for p in parts])
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(os.urandom(3))
                except OSError:  # a file where a folder would have to be, or the other way round
                    continue
            items = sign.resources_of(root)
            self.assertIn(sign.root_digest(items), self.check(sign.sign(root, self.key), HOLDS, model=root))

    def test_methods_and_hashes(self):
        for options in ({"hash_type": "blake2b"}, {"shard_size": 64}, {"shard_size": 1000000000},
                        {"shard_size": 7, "hash_type": "blake2b"}):
            self.check(sign.sign(self.model, self.key, **options), HOLDS, contains="over 6 files")

    def test_single_file(self):
        model = self.model / "model.onnx"
        for options in ({}, {"hash_type": "blake2b"}, {"shard_size": 100}):
            self.check(sign.sign(model, self.key, **options), HOLDS, model=model, contains="over 1 file\n")
        self.check(sign.sign(model, self.key), MISMATCH, model=self.model / "a-b", contains="its digest differs")
        self.check(sign.sign(model, self.key), MISMATCH, contains="a single file, not of a folder")
        named = [{"name": "model.onnx", "algorithm": "sha256", "digest": sign.digest(model.read_bytes())}]
        self.check(sign.bundle(sign.statement("model.onnx", named), self.key), HOLDS, model=model)

    def test_file_of_a_folder(self):
        bundle = sign.sign(self.model, self.key)
        self.check(bundle, HOLDS, model=self.model / "model.onnx", contains="over 6 files")
        self.check(bundle, HOLDS, model=self.model / "a/b", extra=("--model-root", self.model))
        self.check(bundle, MISMATCH, model=self.model / "a/b")
        self.check(bundle, MISMATCH, model=self.trusted, extra=("--model-root", self.model), contains="does not lie in")
        (self.model / "a-b").write_bytes(b"changed")
        self.check(bundle, MISMATCH, model=self.model / "model.onnx", contains="'a-b' is not the file that was signed")

    def test_ignored(self):
        for name in ("notes.txt", ".gitattributes", "cache/one", "cache/two/three", ".git/HEAD", ".github/workflow"):
            (self.model / name).parent.mkdir(parents=True, exist_ok=True)
            (self.model / name).write_bytes(b"not covered")
        os.symlink("notes.txt", self.model / "cache" / "link")
        items = [i for i in sign.resources_of(self.model) if i["name"] in
                 ("a/b", "a-b", "a.b", "model.onnx", "empty", "Ünï")]
        self.check(self.signed(items, ignored=["notes.txt", "cache"]), HOLDS)
        self.check(self.signed(items, ignored=["cache"]), MISMATCH, contains="'notes.txt' is there")
        self.check(self.signed(items, ignored=["notes.txt", "cach"]), MISMATCH, contains="'cache/")
        self.check(self.signed(items, ignored=["notes.txt", "cache"]), MISMATCH, model=self.model / "notes.txt",
                   contains="does not cover it")
        self.check(self.signed(items, ignored=["notes.txt", "cache", "a-b"]), MISMATCH, contains="named and ignored")

    def test_signature_lies_in_the_folder(self):
        self.file = self.model / "model.sig"
        self.check(sign.sign(self.model, self.key, ignored=["model.sig"]), HOLDS)
        self.file.unlink()
        self.check(sign.sign(self.model, self.key), HOLDS)

    def test_forms_of_the_bundle(self):
        bundle = sign.sign(self.model, self.key)
        raw = {"publicKey": {"rawBytes": sign.b64(sign.pem(self.key.public_key())),
                             "keyDetails": "PKIX_ECDSA_P256_SHA_256"}}
        for material in (raw, {"publicKey": {}}, {"publicKey": {"hint": ""}, "tlogEntries": [{"logIndex": "1"}]}):
            self.check({**bundle, "verificationMaterial": material}, HOLDS)
        for keyid in (None, "whatever"):
            self.check(sign.sign(self.model, self.key, keyid=keyid), HOLDS)
        del bundle["dsseEnvelope"]["signatures"][0]["keyid"]
        self.check(bundle, HOLDS)
        self.check(self.signed(change=lambda s: s["predicate"].update(future={"number": 1.5})), HOLDS)

    def test_openssh_key(self):
        line = self.key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        self.trusted.write_bytes(line + b" publisher\n")
        self.check(sign.sign(self.model, self.key), HOLDS)

    def test_legacy(self):
        items = sign.resources_of(self.model)
        self.check(sign.bundle(sign.legacy_statement(items), self.key), HOLDS, contains="model_signing 0.2")
        self.check(sign.bundle(sign.legacy_statement(items[::-1]), self.key), HOLDS)
        self.check(sign.bundle(sign.legacy_statement(items + items[:1]), self.key), MISMATCH, contains="twice")
        self.check(sign.bundle(sign.legacy_statement(items[1:]), self.key), MISMATCH, contains="'a/b' is there")
        self.check(sign.bundle(sign.legacy_statement(items), self.key, encode=sign.old_pae), MISMATCH)


class RefusedManifests(Case):
    """Each is signed by the trusted key, so that only what it says is wrong."""

    def test_resources(self):
        items = sign.resources_of(self.model)

        def changed(**members):
            return [{**items[0], **members}, *items[1:]]

        def again(new):  # in order, and with the digest that belongs to it
            new = sorted(new, key=lambda i: pathlib.PurePosixPath(i["name"]))
            return self.signed(new)

        other = sign.digest(b"other")
        self.check(self.signed(changed(digest=other)), MISMATCH, contains="'a/b' is not the file that was signed")
        self.check(again(changed(name="a/c")), MISMATCH, contains="a/")
        self.check(self.signed([items[1], items[0], *items[2:]]), MISMATCH, contains="order of path components")
        self.check(self.signed(sorted(items, key=lambda i: i["name"])), MISMATCH, contains="order of path components")
        self.check(self.signed([items[0], *items]), MISMATCH, contains="named twice")
        self.check(self.signed(items[1:]), MISMATCH, contains="'a/b' is there, but the signature does not name it")
        self.check(self.signed(items + [{**items[0], "name": "ü"}]), MISMATCH, contains="is not there")
        self.check(self.signed([]), MISMATCH, contains="1 to 65536")
        for name in ("/etc/passwd", "../model/a-b", "a/../a-b", "a//b", "./a/b", "a/b/", "a/./b", "..", "", "x" * 300,
                     "y/" * 70 + "z"):
            self.check(self.signed([{**items[0], "name": name}]), MISMATCH)
        for digest in (items[0]["digest"].upper(), items[0]["digest"][:-2], "", "zz" * 32):
            self.check(self.signed(items, change=lambda s, d=digest: s["predicate"]["resources"][0].update(digest=d)),
                       MISMATCH)
        self.check(self.signed(changed(algorithm="sha512")), MISMATCH, contains="algorithm")
        self.check(self.signed([{**items[0], "name": "."}, *items[1:]]), MISMATCH)

    def test_statement(self):
        def check(change, contains=""):
            self.check(self.signed(change=change), MISMATCH, contains=contains)

        check(lambda s: s["subject"][0]["digest"].update(sha256="0" * 64), "the subject's digest")
        check(lambda s: s["subject"].append(s["subject"][0]), "exactly one")
        check(lambda s: s["subject"].clear(), "exactly one")
        check(lambda s: s.update(_type="https://in-toto.io/Statement/v0.1"), "_type")
        check(lambda s: s.update(predicateType="https://slsa.dev/provenance/v1"), "no model's signature")
        check(lambda s: s["predicate"].pop("serialization"), "serialization")
        check(lambda s: s["predicate"]["serialization"].update(method="tensors"), "'tensors' is not supported")
        check(lambda s: s["predicate"]["serialization"].update(hash_type="blake3"), "'blake3' is not supported")
        for path in ("..", "/tmp", "a/../b", ""):
            check(lambda s, p=path: s["predicate"]["serialization"].update(ignore_paths=[p]), "ignore_paths")

    def test_parts(self):
        items = sign.resources_of(self.model, shard_size=64)
        big = [i for i, item in enumerate(items) if item["name"].startswith("model.onnx:")]

        def check(new, **options):
            self.check(self.signed(new, shard_size=64, **options), MISMATCH)

        check(items[:big[1]] + items[big[2]:])  # a part in the middle
        check(items[:big[-1]] + items[big[-1] + 1:])  # the last one
        check(items[:big[0]] + items[big[1]:])  # the first one
        for name in ("model.onnx:0:63", "model.onnx:0:65", "model.onnx:0", "model.onnx", "model.onnx:00:64",
                     "model.onnx:0:64:128", "model.onnx:64:0", "model.onnx:-1:63", "model.onnx:0:64 "):
            check(items[:big[0]] + [{**items[big[0]], "name": name}] + items[big[0] + 1:])
        for size in (0, -64, 63.5, "64", 2.0 ** 60, True):
            self.check(self.signed(items, shard_size=64, change=lambda s, n=size:
                                   s["predicate"]["serialization"].update(shard_size=n)), MISMATCH)
        bundle = self.signed(items, shard_size=64)
        (self.model / "model.onnx").write_bytes(b"weights" * 98)
        self.check(bundle, MISMATCH, contains="another size")

    def test_folder(self):
        bundle = sign.sign(self.model, self.key)
        path = self.model / "a-b"
        path.write_bytes(b"+")
        self.check(bundle, MISMATCH, contains="'a-b' is not the file that was signed: its digest differs")
        path.unlink()
        self.check(bundle, MISMATCH, contains="'a-b' is named by the signature, but is not there")
        (self.work / "elsewhere").write_bytes(b"-")
        os.symlink(self.work / "elsewhere", path)
        self.check(bundle, MISMATCH, contains="'a-b' is a symbolic link")
        path.unlink()
        os.mkfifo(path)
        self.check(bundle, MISMATCH, contains="'a-b' is no regular file")
        path.unlink()
        path.write_bytes(b"-")
        self.check(bundle, HOLDS)
        os.symlink("a", self.model / "also")
        self.check(bundle, MISMATCH, contains="'also' is a symbolic link")
        (self.model / "also").unlink()
        (self.model / "evil\x1b[2J\u202e").write_bytes(b"")
        said = self.run_command(self.model, "--signature", self.file, "--trusted-key", self.trusted)
        self.assertEqual(said.returncode, MISMATCH)
        self.assertNotIn("\x1b", said.stderr)
        self.assertNotIn("\u202e", said.stderr)


class RefusedSignatures(Case):
    def test_envelope(self):
        good = sign.sign(self.model, self.key)
        self.check(good, HOLDS)

        def check(change, contains=""):
            bundle = copy.deepcopy(good)
            change(bundle)
            self.check(bundle, MISMATCH, contains=contains)

        envelope = good["dsseEnvelope"]
        second = sign.sign(self.model, sign.new_key())["dsseEnvelope"]["signatures"][0]
        check(lambda b: b["dsseEnvelope"]["signatures"].append(second), "exactly 1")
        check(lambda b: b["dsseEnvelope"]["signatures"].append(envelope["signatures"][0]), "exactly 1")
        check(lambda b: b["dsseEnvelope"]["signatures"].clear())
        check(lambda b: b["dsseEnvelope"]["signatures"][0].update(second), "no trusted key's signature")
        check(lambda b: b["dsseEnvelope"].update(payloadType="text/plain"), "payloadType")
        check(lambda b: b.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.1"), "mediaType")
        payload = base64.b64decode(envelope["payload"])
        check(lambda b: b["dsseEnvelope"].update(payload=sign.b64(payload.replace(b"a-b", b"a-c"))), "no trusted key's")
        check(lambda b: b["dsseEnvelope"].update(payload=sign.b64(payload + b" ")), "no trusted key's")
        check(lambda b: b["dsseEnvelope"].update(payload="!" + envelope["payload"][1:]), "base64")
        check(lambda b: b["verificationMaterial"]["publicKey"].update(hint="0" * 64), "not trusted")
        check(lambda b: b["verificationMaterial"].clear(), "either publicKey or x509CertificateChain")
        check(lambda b: b["verificationMaterial"].update(certificate={"rawBytes": "AAAA"}), "keyless")
        check(lambda b: b.pop("dsseEnvelope"))
        self.check(sign.sign(self.model, self.key, encode=sign.old_pae), MISMATCH)
        self.check(sign.sign(self.model, sign.new_key()), MISMATCH, contains="not trusted")

    def test_no_signature_at_all(self):
        for text in ("", "{}", "[]", "null", "not json", "[" * 100000, '{"mediaType":1}', "\x00",
                     '{"mediaType":"a","mediaType":"a"}'):
            self.check(text, MISMATCH)
        self.check(" " * (16 * 1024 * 1024 + 1), BAD_INPUT)

    def test_every_changed_character(self):
        """A changed character of payload, signature or hint never passes."""
        text = json.dumps(sign.sign(self.model, self.key))
        bundle = json.loads(text)
        choice = random.Random(1)
        spots = [text.index(v) + choice.randrange(len(v)) for v in
                 [bundle["dsseEnvelope"]["payload"]] * 25 + [bundle["dsseEnvelope"]["signatures"][0]["sig"]] * 15 +
                 [bundle["verificationMaterial"]["publicKey"]["hint"]] * 8]
        for spot in spots:
            new = choice.choice([c for c in "Aa0/" if c != text[spot]])
            self.check(text[:spot] + new + text[spot + 1:], MISMATCH)


class Certificates(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root_key = sign.new_rsa()
        cls.root = sign.certificate("Root", cls.root_key, ca=True)
        cls.middle_key = sign.new_key("p384")
        cls.middle = sign.certificate("Middle", cls.middle_key, cls.root, cls.root_key, ca=True)

    def leaf(self, issuer=None, issuer_key=None, key=None, **options):
        return sign.certificate("Signer", key or self.key, issuer or self.middle, issuer_key or self.middle_key,
                                **{"email": EMAIL, "uri": URI, **options})

    def check_chain(self, chain, expected, identity=EMAIL, contains="", key=None, authorities=None):
        authority = self.work / "ca.pem"
        authority.write_bytes(sign.certificate_pem(*(authorities or [self.root])))
        return self.check(sign.sign(self.model, key or self.key, chain=chain), expected, contains=contains,
                          trust=("--trusted-ca", authority, "--identity", identity))

    def test_accepted(self):
        for curve in sign.CURVES:
            key = sign.new_key(curve)
            shown = self.check_chain([self.leaf(key=key), self.middle], HOLDS, key=key)
            root = hashlib.sha256(self.root.public_bytes(serialization.Encoding.DER)).hexdigest()
            self.assertIn(root, shown)
        direct = self.leaf(self.root, self.root_key)
        self.check_chain([direct], HOLDS)
        self.check_chain([direct, self.root], HOLDS)
        self.check_chain([direct], HOLDS, authorities=[sign.certificate("Other", sign.new_key(), ca=True), self.root])
        self.check_chain([self.leaf(key_usage=None), self.middle], HOLDS)
        self.check_chain([self.leaf(extended=()), self.middle], HOLDS)

    def test_many_authorities(self):
        chain, other = [self.leaf(), self.middle], sign.certificate("Other", sign.new_key(), ca=True)
        self.check_chain(chain, HOLDS, authorities=[other] * 63 + [self.root])
        self.check_chain(chain, BAD_INPUT, authorities=[other] * 64 + [self.root], contains="at most 64")

    def test_identity(self):
        chain = [self.leaf(), self.middle]
        for identity in (EMAIL, URI, "CN=Signer,O=Example"):
            self.check_chain(chain, HOLDS, identity)
        for identity in ("release", EMAIL + "g", EMAIL[:-1], "Signer", "CN=Signer", "O=Example,CN=Signer", URI + "/", "*"):
            self.check_chain(chain, MISMATCH, identity, contains="none of the identities")

    def test_times(self):
        day = sign.DAY
        self.check_chain([self.leaf(starts=-9 * day, ends=-day), self.middle], MISMATCH, contains="expired")
        self.check_chain([self.leaf(starts=day, ends=9 * day), self.middle], MISMATCH, contains="not yet valid")
        old = sign.certificate("Middle", self.middle_key, self.root, self.root_key, ca=True, starts=-9 * day, ends=-day)
        self.check_chain([self.leaf(old), old], MISMATCH, contains="expired")

    def test_uses(self):
        server = (ExtendedKeyUsageOID.SERVER_AUTH,)
        self.check_chain([self.leaf(extended=server), self.middle], MISMATCH, contains="codeSigning")
        self.check_chain([self.leaf(extended=(ExtendedKeyUsageOID.TIME_STAMPING,)), self.middle], MISMATCH)
        self.check_chain([self.leaf(key_usage="encipherment"), self.middle], MISMATCH, contains="digitalSignature")
        self.check_chain([self.leaf(key_usage=None, extended=()), self.middle], MISMATCH, contains="says nothing")

    def test_chains(self):
        stranger_key = sign.new_key()
        stranger = sign.certificate("Root", stranger_key, ca=True)
        self.check_chain([self.leaf()], MISMATCH, contains="issuer")
        self.check_chain([self.leaf(stranger, stranger_key)], MISMATCH)
        self.check_chain([self.leaf(stranger, stranger_key), stranger], MISMATCH)
        alone = sign.certificate("Signer", self.key, email=EMAIL)
        self.check_chain([alone], MISMATCH, contains="self-signed")
        no_ca = sign.certificate("Middle", self.middle_key, self.root, self.root_key)
        self.check_chain([self.leaf(no_ca), no_ca], MISMATCH)
        short = sign.certificate("Short", self.middle_key, self.root, self.root_key, ca=True, path_length=0)
        below_key = sign.new_key()
        below = sign.certificate("Below", below_key, short, self.middle_key, ca=True)
        self.check_chain([self.leaf(below, below_key), below, short], MISMATCH, contains="path length")
        self.check_chain([self.leaf(self.root, self.root_key, digest=hashes.SHA1())], MISMATCH, contains="weak")
        self.check_chain([self.leaf(), *[self.middle] * 8], MISMATCH, contains="1 to 8")
        self.check_chain([self.leaf(key=sign.new_key()), self.middle], MISMATCH, contains="not its certificate's")

    def test_rsa_signer(self):
        key = sign.new_rsa()
        bundle = sign.sign(self.model, self.key, chain=[self.leaf(key=key), self.middle])
        payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = sign.b64(
            key.sign(sign.pae(payload), padding.PKCS1v15(), hashes.SHA256()))
        authority = self.work / "ca.pem"
        authority.write_bytes(sign.certificate_pem(self.root))
        self.check(bundle, MISMATCH, trust=("--trusted-ca", authority, "--identity", EMAIL), contains="not ECDSA")

    def test_trust_of_the_other_kind(self):
        authority = self.work / "ca.pem"
        authority.write_bytes(sign.certificate_pem(self.root))
        self.check(sign.sign(self.model, self.key), MISMATCH, trust=("--trusted-ca", authority, "--identity", EMAIL),
                   contains="no key is trusted")
        self.check(sign.sign(self.model, self.key, chain=[self.leaf(), self.middle]), MISMATCH,
                   contains="no authority is trusted")

    def test_broken_der(self):
        bundle = sign.sign(self.model, self.key, chain=[self.leaf(), self.middle])
        authority = self.work / "ca.pem"
        authority.write_bytes(sign.certificate_pem(self.root))
        chain = bundle["verificationMaterial"]["x509CertificateChain"]["certificates"]
        der = base64.b64decode(chain[0]["rawBytes"])
        choice = random.Random(2)
        for _ in range(25):
            spot = choice.randrange(len(der))
            chain[0]["rawBytes"] = sign.b64(der[:spot] + bytes([der[spot] ^ 1 << choice.randrange(8)]) + der[spot + 1:])
            self.check(bundle, MISMATCH, trust=("--trusted-ca", authority, "--identity", EMAIL))
        for broken in (der[:-1], der + b"\0", b"", der[:40]):
            chain[0]["rawBytes"] = sign.b64(broken)
            self.check(bundle, MISMATCH, trust=("--trusted-ca", authority, "--identity", EMAIL))


class Users(Case):
    """What is the user's to mend is no mismatch."""

    def test_options(self):
        bundle = sign.sign(self.model, self.key)
        self.file.write_text(json.dumps(bundle))
        ca = ("--trusted-ca", self.trusted)
        for arguments in ((), ("--signature", self.file), ("--trusted-key", self.trusted), ("--identity", EMAIL),
                          ("--signature", self.file, *ca), ("--model-root", self.model),
                          ("--checksums", self.file),
                          ("--signature", self.file, "--trusted-key", self.trusted, "--model-root", self.model)):
            self.assertEqual(self.run_command(self.model, *arguments).returncode, USAGE, arguments)

    def test_files(self):
        bundle = sign.sign(self.model, self.key)
        missing = self.work / "missing"
        self.check(bundle, NO_INPUT, trust=("--trusted-key", missing))
        self.check(bundle, NO_INPUT, model=missing)
        self.check(bundle, BAD_INPUT, trust=("--trusted-key", self.file))
        self.check(bundle, BAD_INPUT, trust=("--trusted-ca", self.trusted, "--identity", EMAIL))
        rsa = self.work / "rsa.pem"
        rsa.write_bytes(sign.pem(sign.new_rsa().public_key()))
        self.check(bundle, BAD_INPUT, trust=("--trusted-key", rsa), contains="P-256, P-384 or P-521")


class Checksums(Case):
    def check_list(self, text, expected, contains="", model=None):
        listing = self.work / "SHA256SUMS"
        listing.write_bytes(text if isinstance(text, bytes) else text.encode())
        result = self.run_command(model or self.model / "model.onnx", "--checksums", listing)
        self.assertEqual(result.returncode, expected, result.stdout + result.stderr)
        self.assertIn(contains, result.stdout + result.stderr)

    def coreutils(self, *arguments):
        return subprocess.run(["sha256sum", *arguments], cwd=self.model, capture_output=True, check=True).stdout

    def test_forms(self):
        names = ["empty", "model.onnx", "a/b"]
        for options in ([], ["--binary"], ["--tag"]):
            self.check_list(self.coreutils(*options, *names), HOLDS, contains="model.onnx is listed")
            self.check_list(self.coreutils(*options, "./model.onnx"), HOLDS)
        plain = self.coreutils("model.onnx")
        self.check_list(b"# a comment\r\n\r\n" + plain.replace(b"\n", b"\r\n"), HOLDS)
        self.check_list(plain.rstrip(b"\n"), HOLDS)
        self.check_list(plain.upper().replace(b"MODEL.ONNX", b"model.onnx"), HOLDS)
        self.check_list(b"MD5 (model.onnx) = d41d8cd98f00b204e9800998ecf8427e\n" + plain, HOLDS)

    def test_escaped_names(self):
        for name in ("back\\slash", "new\nline", "return\r", "a) = b"):
            path = self.model / name
            path.write_bytes(b"odd")
            for options in ([], ["--tag"]):
                self.check_list(self.coreutils(*options, name), HOLDS, model=path)

    def test_refused(self):
        plain = self.coreutils("model.onnx").decode()
        self.check_list("", MISMATCH, "no SHA-256 of 'model.onnx' is listed")
        self.check_list(self.coreutils("a-b", "empty"), MISMATCH, "is listed")
        self.check_list(plain.replace("model.onnx", "model.onnx2"), MISMATCH, "is listed")
        self.check_list(plain.replace("model.onnx", "xmodel.onnx"), MISMATCH, "is listed")
        self.check_list("0" * 64 + plain[64:], MISMATCH, "another SHA-256")
        self.check_list(plain + "0" * 64 + plain[64:], MISMATCH, "line 2: another SHA-256")
        for line in (plain[1:], plain.replace("  ", " "), "hello", "SHA256 (model.onnx) = 00", plain[:64],
                     "SHA256 (model.onnx)  = " + plain[:64], "\0" + plain, "\\" + plain.replace("model", "mo\\del")):
            self.check_list(line, MISMATCH, "line 1: not of the form")
        self.check_list(b"#" * (1024 * 1024 + 1), BAD_INPUT)

    def test_both(self):
        self.file.write_text(json.dumps(sign.sign(self.model, self.key)))
        listing = self.work / "SHA256SUMS"
        listing.write_bytes(self.coreutils("model.onnx"))
        result = self.run_command(self.model / "model.onnx", "--signature", self.file, "--trusted-key", self.trusted,
                                  "--checksums", listing)
        self.assertEqual(result.returncode, HOLDS, result.stderr)
        self.assertIn("signature    holds", result.stdout)
        self.assertIn("checksums    model.onnx", result.stdout)


if __name__ == "__main__":
    unittest.main()
