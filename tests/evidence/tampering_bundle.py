# SPDX-License-Identifier: Apache-2.0
"""Tamperings with the bundle: its form, its signature, its statement, its ledger entry and its timestamp."""
import base64
import copy
import json

from material import EXTENSION, b64, canonical, changed_base64, fingerprint, sign
from table import Row


def edit(change):
    """A tampering of the bundle's JSON that nobody signs."""
    def tamper(result):
        bundle = result.bundle()
        change(bundle, result)
        result.write_bundle(bundle)
    return tamper


def restate(change, **signing):
    """A tampering of the statement that the holder of the key signs, record and all being gone."""
    def tamper(result):
        statement = result.statement()
        change(statement, statement["predicate"], statement["predicate"][EXTENSION])
        result.resign(statement, **signing)
    return tamper


def repayload(change):
    """The same of the statement's bytes."""
    return lambda result: result.resign(change(base64.b64decode(result.bundle()["dsseEnvelope"]["payload"])))


def put(key, value):
    return lambda target: target.__setitem__(key, value)


def signature_of(bundle):
    return bundle["dsseEnvelope"]["signatures"][0]


# --- form and signature ------------------------------------------------------------------------------------

def drop_payload_bit(bundle, _):
    bundle["dsseEnvelope"]["payload"] = changed_base64(bundle["dsseEnvelope"]["payload"])


def two_signatures(bundle, result):
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
    bundle["dsseEnvelope"]["signatures"].append({"keyid": "", "sig": b64(sign(payload, result.material.other))})


def chain_for_key(bundle, _):
    bundle["verificationMaterial"]["x509CertificateChain"] = {"certificates": []}
    del bundle["verificationMaterial"]["publicKey"]


def double_member(result):
    text = result.file.read_text()
    result.file.write_text(text.replace('"payloadType":', '"payload":"e30=","payloadType":', 1))


def cut(result):
    data = result.file.read_bytes()
    result.file.write_bytes(data[:len(data) // 2])


def by_other_key(result):
    result.resign(result.statement(), key=result.material.other, hint=fingerprint(result.material.other_public))


def by_other_key_in_our_name(result):
    result.resign(result.statement(), key=result.material.other)


def signature_of_twin(bundle, result):
    bundle["dsseEnvelope"]["signatures"] = result.twin().bundle()["dsseEnvelope"]["signatures"]


def payload_of_twin(bundle, result):
    bundle["dsseEnvelope"]["payload"] = result.twin().bundle()["dsseEnvelope"]["payload"]


BUNDLE = [
    Row("bundle: mediaType of v0.2", edit(lambda b, _: b.update(mediaType=b["mediaType"].replace("v0.3", "v0.2"))),
        {"bundle": "mediaType"}),
    Row("bundle: an unknown member", edit(lambda b, _: b.update(note="x")), {"bundle": "note"}),
    Row("bundle: a member twice", double_member, {"bundle": "duplicate"}),
    Row("bundle: cut in half", cut, {"bundle": "result.sigstore.json"}),
    Row("bundle: hint of another key", edit(lambda b, r: b["verificationMaterial"]["publicKey"].update(
        hint=fingerprint(r.material.other_public))), {"signature": "names another key"}),
    Row("bundle: certificates for the key", edit(chain_for_key), {"bundle": "x509CertificateChain"}),
    Row("bundle: a bit of the payload", edit(drop_payload_bit), {"signature": "does not match|not the key's|signature"}),
    Row("bundle: payloadType", edit(lambda b, _: b["dsseEnvelope"].update(payloadType="application/json")),
        {"bundle": "payloadType"}),
    Row("bundle: a bit of the signature", edit(lambda b, _: signature_of(b).update(
        sig=changed_base64(signature_of(b)["sig"]))), {"signature": "signature"}),
    Row("bundle: no signature", edit(lambda b, _: b["dsseEnvelope"].update(signatures=[])),
        {"bundle": "signatures"}),
    Row("bundle: a second signature", edit(two_signatures), {"bundle": "signatures"}),
    Row("bundle: a keyid", edit(lambda b, _: signature_of(b).update(keyid="key")), {"bundle": "keyid"}),
    Row("bundle: base64 with loose bits", edit(lambda b, _: signature_of(b).update(
        sig=signature_of(b)["sig"] + "====")), {"bundle": "base64"}),
    Row("bundle: signed by another key", by_other_key, {"signature": "names another key"}),
    Row("bundle: signed by another key under our hint", by_other_key_in_our_name, {"signature": "signature"}),
    Row("swap: the other result's signature", edit(signature_of_twin), {"signature": "signature"}),
    Row("swap: the other result's payload", edit(payload_of_twin), {"signature": "signature"}),
]


# --- the statement, signed again ----------------------------------------------------------------------------

def of(section, change):
    """A change of the statement itself, its predicate or our extension, by name."""
    places = {"statement": 0, "predicate": 1, "extension": 2}
    return restate(lambda *parts: change(parts[places[section]]))


def resource(listing, name):
    return next(entry for entry in listing if entry["name"] == name)


def zero_digest(listing, name):
    resource(listing, name)["digest"]["sha256"] = "0" * 64


def remove(listing, name):
    listing.remove(resource(listing, name))


def pass_rejected(statement, predicate, extension):
    """A verdict that the facts don't give, with all that must agree with it."""
    extension.update(verdict="rejected", reasons=["so we say"])
    predicate["result"] = "FAILED"
    extension["checks"][-1]["status"] = "failed"
    failed = extension["checks"][-1]["id"]
    predicate["passedTests"].remove(failed)
    predicate["failedTests"].append(failed)


def skip_check(statement, predicate, extension):
    """A status that the facts don't give, although the verdict stays."""
    skipped = extension["checks"][-1]
    skipped["status"] = "skipped"
    predicate["passedTests"].remove(skipped["id"])
    predicate["warnedTests"].append(skipped["id"])


def raise_tier(statement, predicate, extension):
    extension.update(tier="medium", verdict="needs-review", reasons=["the tier"])
    predicate["result"] = "WARNED"


def two_subjects(statement):
    statement["subject"].append(copy.deepcopy(statement["subject"][0]))


STATEMENT = [
    Row("statement: _type", of("statement", put("_type", "https://in-toto.io/Statement/v0.1")),
        {"statement": "_type"}),
    Row("statement: predicateType", of("statement", lambda s: s.update(
        predicateType=s["predicateType"].replace("v0.1", "v0.2"))), {"statement": "predicateType"}),
    Row("statement: no subject", of("statement", put("subject", [])), {"statement": "subject"}),
    Row("statement: a subject twice", of("statement", two_subjects), {"statement": r"subject\[1\]"}),
    Row("statement: the model's digest", of("statement", lambda s: s["subject"][0]["digest"].update(sha256="0" * 64)),
        {"model": "no file that the statement is about", "references": "digest of the model"}),
    Row("statement: an unknown member", of("statement", put("comment", "x")), {"statement": "comment"}),
    Row("predicate: result", of("predicate", put("result", "FAILED")), {"statement": "result"}),
    Row("predicate: passedTests", of("predicate", lambda p: p["passedTests"].pop()), {"statement": "passedTests"}),
    Row("predicate: warnedTests", of("predicate", lambda p: p["warnedTests"].append("pgd")),
        {"statement": "warnedTests"}),
    Row("predicate: failedTests", of("predicate", lambda p: p["failedTests"].append("scan")),
        {"statement": "failedTests"}),
    Row("configuration: digest of policy.yaml", of("predicate", lambda p: zero_digest(
        p["configuration"], "policy.yaml")), {"policy.yaml": "not the bytes", "references": "policy"}),
    Row("configuration: no policy.yaml", of("predicate", lambda p: remove(p["configuration"], "policy.yaml")),
        {"statement": "policy.yaml"}),
    Row("configuration: digest of the test set", of("predicate", lambda p: zero_digest(p["configuration"], "test")),
        {"test": "the result is of 0000", "references": "test"}),
    Row("configuration: no test set", of("predicate", lambda p: remove(p["configuration"], "test")),
        {"test": "the result had none", "references": "test"}),
    Row("configuration: digest of plan.json", of("predicate", lambda p: zero_digest(
        p["configuration"], "plan.json")), {"plan.json": "not the bytes"}),
    Row("configuration: digest of the spec", of("predicate", lambda p: zero_digest(p["configuration"], "spec.yaml")),
        {"spec.yaml": "the result is of 0000|not the bytes", "references": "spec"}),
    Row("configuration: a name twice", of("predicate", lambda p: p["configuration"].append(
        dict(resource(p["configuration"], "plan.json")))), {"statement": "configuration"}),
    Row("configuration: a path for a name", of("predicate", lambda p: resource(p["configuration"], "agent").update(
        name="../agent")), {"statement": "configuration"}),
    Row("extension: another verdict", restate(pass_rejected), {"verdict": "worked out again it is 'passed'"}),
    Row("extension: a check's status", restate(skip_check), {"verdict": "fgsm is not as it was signed for"}),
    Row("extension: a check's provenance", of("extension", lambda e: e["checks"][-1].update(provenance="host")),
        {"verdict": "fgsm is not as it was signed for"}),
    Row("extension: a check left out", restate(lambda s, p, e: p["passedTests"].remove(e["checks"].pop()["id"])),
        {"verdict": "the list of checks"}),
    Row("extension: a higher tier", restate(raise_tier), {"verdict": "signed for the medium tier"}),
    Row("extension: passed above the low tier", of("extension", put("tier", "high")), {"statement": "verdict"}),
    Row("extension: rejected without a reason", restate(lambda s, p, e: (
        pass_rejected(s, p, e), e.update(reasons=[]))), {"statement": "reasons"}),
    Row("extension: a reason that clears the screen", of("extension", put("reasons", ["\x1b[2Jok"])),
        {"statement": "reasons"}),
    Row("extension: documents without the evaluation", of("extension", lambda e: remove(
        e["documents"], "evaluation.json")), {"statement": "documents"}),
    Row("extension: digest of execution.json", of("extension", lambda e: zero_digest(
        e["documents"], "execution.json")), {"execution.json": "not the bytes"}),
    Row("extension: a document left out", of("extension", lambda e: remove(e["documents"], "findings.sarif")),
        {"findings.sarif": "not covered by the signature"}),
    Row("extension: isolation", of("extension", put("isolation", "none")), {"statement": "isolation"}),
    Row("extension: isolation that the policy forbids", of("extension", lambda e: e.update(
        isolation="microvm", acceleration="kvm")), {"verdict": "needs-review"}),
    Row("extension: acceleration", of("extension", put("acceleration", "kvm")), {"statement": "acceleration"}),
    Row("extension: hostVerified", of("extension", put("hostVerified", ["all of it"])),
        {"statement": "hostVerified"}),
    Row("extension: guestSaid", of("extension", put("guestSaid", [7])), {"statement": "guestSaid"}),
    Row("extension: a day that no calendar has", of("extension", put("finishedAt", "2026-02-30T00:00:00Z")),
        {"statement": "finishedAt"}),
    Row("extension: producer", of("extension", put("producer", "lazaret\n9.9")), {"statement": "producer"}),
    Row("extension: job", of("extension", put("job", "../other")), {"statement": "job"}),
    Row("extension: order", of("extension", put("order", "an old one")), {"statement": "order"}),
    Row("extension: a publisher's signature that nobody gave", of("extension", put("provenance", {
        "method": "key", "model": "0" * 64, "files": 1})), {"statement": "provenance|hostVerified"}),
    Row("extension: source", of("extension", put("source", "\u202eexe.example")), {"statement": "source"}),
    Row("extension: an unknown member", of("extension", put("approved", "yes")), {"statement": "approved"}),
    Row("statement: not canonical", repayload(lambda data: data.replace(b'":"', b'": "', 1)),
        {"statement": "canonical"}),
    Row("statement: a fraction", of("statement", put("version", 1.5)), {"statement": "statement"}),
    Row("statement: no JSON", repayload(lambda data: b"passed"), {"statement": "statement"}),
    Row("statement: another tool's", repayload(lambda data: canonical({
        "_type": "https://in-toto.io/Statement/v1", "subject": json.loads(data)["subject"],
        "predicateType": "https://slsa.dev/provenance/v1", "predicate": {}})), {"statement": "predicateType"}),
]


# --- ledger entry and timestamp ------------------------------------------------------------------------------

def entry(change):
    return edit(lambda bundle, _: change(bundle["verificationMaterial"]["tlogEntries"][0]))


def proof(change):
    return entry(lambda found: change(found["inclusionProof"]))


def other_note(old, new):
    return proof(lambda found: found["checkpoint"].update(envelope=found["checkpoint"]["envelope"].replace(old, new, 1)))


def change_note_signature(found):
    lines = found["checkpoint"]["envelope"].split("\n")
    head, _, signature = lines[-2].rpartition(" ")
    lines[-2] = f"{head} {changed_base64(signature)}"
    found["checkpoint"]["envelope"] = "\n".join(lines)


def drop_entry(result):
    result.resign(result.statement())
    result.inputs["require"] = "ledger"


def announce(**change):
    """Another announcement, signed, and logged like any result."""
    def tamper(result):
        statement = result.statement()
        statement["predicate"][EXTENSION]["ledger"].update(change)
        result.resign(statement, keep=True)
        result.log_again()
    return tamper


def entry_of_twin(bundle, result):
    bundle["verificationMaterial"]["tlogEntries"] = result.twin().bundle()["verificationMaterial"]["tlogEntries"]


def other_log(result):
    result.inputs["ledger-key"] = result.material.folder / "log2" / "vkey"


def witnessed(change=lambda text: text, quorum=None):
    """An entry that the first witness cosigned; both are asked for, or as many as the quorum says."""
    def tamper(result):
        first, second = result.material.witnesses
        result.log_again([first])
        proof(lambda found: found["checkpoint"].update(envelope=change(found["checkpoint"]["envelope"])))(result)
        result.inputs["witness-key"] = f"{first.vkey},{second.vkey}"
        if quorum is not None:
            result.inputs["quorum"] = quorum
    return tamper


def change_cosignature(text):
    head, _, signature = text.rstrip("\n").rpartition(" ")
    return f"{head} {changed_base64(signature)}\n"


def drop_cosignature(text):
    return "\n".join(text.split("\n")[:-2]) + "\n"


def stamps(bundle):
    return bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]


def drop_stamp(result):
    edit(lambda bundle, _: bundle["verificationMaterial"].pop("timestampVerificationData"))(result)
    result.inputs["require"] = "timestamp"


def stamp_of_twin(bundle, result):
    stamps(bundle)[0] = stamps(result.twin().bundle())[0]


def stamp_by_stranger(bundle, result):
    signature = base64.b64decode(signature_of(bundle)["sig"])
    stamps(bundle)[0]["signedTimestamp"] = b64(result.material.timestamp(signature, "other-tsa"))


RECORD = [
    Row("entry: logIndex", entry(lambda e: e.update(logIndex="0")), {"ledger": "logIndex"}),
    Row("entry: logId", entry(lambda e: e["logId"].update(keyId=changed_base64(e["logId"]["keyId"]))),
        {"ledger": "logId"}),
    Row("entry: kind", entry(lambda e: e["kindVersion"].update(kind="hashedrekord")), {"ledger": "kind"}),
    Row("entry: the leaf", entry(lambda e: e.update(canonicalizedBody=changed_base64(e["canonicalizedBody"]))),
        {"ledger": "."}),
    Row("entry: logIndex of the proof", proof(lambda p: p.update(logIndex="0")), {"ledger": "logIndex"}),
    Row("entry: treeSize", proof(lambda p: p.update(treeSize="9")), {"ledger": "treeSize"}),
    Row("entry: rootHash", proof(lambda p: p.update(rootHash=changed_base64(p["rootHash"]))), {"ledger": "rootHash"}),
    Row("entry: a hash of the proof", proof(lambda p: p["hashes"].__setitem__(0, changed_base64(p["hashes"][0]))),
        {"ledger": "."}),
    Row("entry: a hash too few", proof(lambda p: p["hashes"].pop()), {"ledger": "."}),
    Row("entry: the checkpoint's origin", other_note("example.org", "example.net"), {"ledger": "checkpoint"}),
    Row("entry: the checkpoint's signature", proof(change_note_signature), {"ledger": "checkpoint"}),
    Row("entry: of another ledger", other_log, {"ledger": "another ledger's key|checkpoint"}, changes_files=False),
    Row("entry: gone", edit(lambda b, _: b["verificationMaterial"].update(tlogEntries=[])),
        {"ledger": "announced as leaf 0 of example.org/lazaret, but the bundle has no"}),
    Row("entry: gone without a trace, and required", drop_entry,
        {"ledger": "required, but: the result has no ledger entry"}),
    Row("entry: the statement's announcement", announce(origin="example.org/other"),
        {"ledger": "announced in another ledger"}),
    Row("entry: an announcement after the result", announce(intent=9), {"ledger": "announced in a later leaf"}),
    Row("witness: fewer than asked for", witnessed(), {"witnesses": "1 of 2 cosigned the entry's checkpoint; needed: 2"}),
    Row("witness: a bit of its cosignature", witnessed(change_cosignature, quorum=1), {"witnesses": "w1.example"}),
    Row("witness: its cosignature gone", witnessed(drop_cosignature, quorum=1), {"witnesses": "0 of 2"}),
    Row("swap: the other result's entry", edit(entry_of_twin), {"ledger": "another envelope"}),
    Row("timestamp: a bit of it", edit(lambda b, _: stamps(b)[0].update(
        signedTimestamp=changed_base64(stamps(b)[0]["signedTimestamp"]))), {"timestamp": "."}),
    Row("timestamp: by a stranger", edit(stamp_by_stranger), {"timestamp": "."}),
    Row("timestamp: gone, and required", drop_stamp, {"timestamp": "required, but: the result has none"}),
    Row("swap: the other result's timestamp", edit(stamp_of_twin), {"timestamp": "."}),
]

ROWS = BUNDLE + STATEMENT + RECORD
