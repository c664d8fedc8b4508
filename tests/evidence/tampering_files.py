# SPDX-License-Identifier: Apache-2.0
"""Tamperings with the files around a bundle, with what the auditor holds against it, and with the ledger."""
import hashlib
import json
import os
import shutil

from material import BUILD, DIGITS, EXTENSION, b64, canonical, changed_base64, flip
from table import Row


def change_bit(name):
    return lambda result: flip(result.out / name)


def replace(name, old, new):
    def tamper(result):
        path = result.out / name
        text = path.read_text()
        assert old in text, (name, old)
        path.write_text(text.replace(old, new, 1))
    return tamper


def reevaluate(change, name="evaluation.json"):
    """Other facts, and a statement over them that the holder of the key signs."""
    def tamper(result):
        path = result.out / name
        value = json.loads(path.read_text())
        change(value, result)
        path.write_bytes(canonical(value))
        redigest(result, name)
    return tamper


def redigest(result, name):
    statement = result.statement()
    predicate = statement["predicate"]
    for entry in predicate["configuration"] + predicate[EXTENSION]["documents"]:
        if entry["name"] == name:
            entry["digest"]["sha256"] = hashlib.sha256((result.out / name).read_bytes()).hexdigest()
    result.resign(statement)


def check_of(evaluation, name):
    return next(check for check in evaluation["checks"] if check["id"] == name)


def lower_policy(result):
    """A milder policy than the facts were judged by, signed for."""
    replace("policy.yaml", "accuracy: 0.80", "accuracy: 0.10")(result)
    redigest(result, "policy.yaml")


def from_twin(*names):
    def tamper(result):
        for name in names:
            shutil.copy(result.twin().out / name, result.out / name)
    return tamper


def add(name, text="x"):
    return lambda result: (result.out / name).write_text(text)


def link(result):
    path = result.out / "evaluation.json"
    path.rename(result.folder / "elsewhere.json")
    path.symlink_to(result.folder / "elsewhere.json")


def link_bundle(result):
    result.file.rename(result.folder / "elsewhere.json")
    result.file.symlink_to(result.folder / "elsewhere.json")


def pipe(name):
    """A FIFO, from which a careless reader would wait for ever."""
    def tamper(result):
        (result.out / name).unlink()
        os.mkfifo(result.out / name)
    return tamper


def hole(name):
    """A terabyte that takes no room, and that a careless reader would hash to its end."""
    def tamper(result):
        with open(result.out / name, "wb") as file:
            file.truncate(1 << 40)
    return tamper


def worse(evaluation, _):
    check_of(evaluation, "clean-accuracy")["correct"] = 400


def failing(evaluation, _):
    """A wrong word about a figure that stays."""
    check_of(evaluation, "clean-accuracy")["status"] = "failed"


def confuse(evaluation, _):
    check_of(evaluation, "clean-accuracy")["confusion"][0][1] += 1


def withstand(evaluation, _):
    check_of(evaluation, "fgsm")["curves"][0]["points"][1]["robustCorrect"] -= 1


def drop_check(evaluation, _):
    evaluation["checks"].remove(check_of(evaluation, "scan"))


FILES = [
    *[Row(f"file: a bit of {name}", change_bit(name), {name: "not the bytes that were signed for"})
      for name in ("evaluation.json", "execution.json", "policy.yaml", "plan.json", "spec.yaml", "findings.sarif",
                   "report.html", "junit.xml")],
    Row("file: a line more in console.log", lambda r: (r.out / "console.log").write_text("all is well\n"),
        {"console.log": "not the bytes that were signed for"}),
    Row("policy: a lower threshold", replace("policy.yaml", "accuracy: 0.80", "accuracy: 0.10"),
        {"policy.yaml": "not the bytes"}),
    Row("policy: a lower threshold, signed for", lower_policy, {"references": "policy"}),
    Row("evaluation: a better figure", replace("evaluation.json", '"correct":', '"correct":9'),
        {"evaluation.json": "not the bytes"}),
    Row("evaluation: the model, signed for", reevaluate(lambda e, _: e.update(model="0" * 64)),
        {"references": "model"}),
    Row("evaluation: the policy, signed for", reevaluate(lambda e, _: e.update(policy="0" * 64)),
        {"references": "policy"}),
    Row("evaluation: the test set, signed for", reevaluate(lambda e, _: e["inputs"].update(test="0" * 64)),
        {"references": "test"}),
    Row("evaluation: the spec, signed for", reevaluate(lambda e, _: e["inputs"].update(spec=None)),
        {"references": "spec"}),
    Row("evaluation: a training set, signed for", reevaluate(lambda e, _: e["inputs"].update(train="0" * 64)),
        {"references": "train"}),
    Row("evaluation: a figure, signed for", reevaluate(worse), {"figures": "clean-accuracy"}),
    Row("evaluation: a cell of the confusion, signed for", reevaluate(confuse), {"figures": "clean-accuracy"}),
    Row("evaluation: an attack's figure, signed for", reevaluate(withstand), {"figures": r"fgsm.curves\[0\]"}),
    Row("evaluation: a check's status, signed for", reevaluate(failing), {"verdict": "clean-accuracy another status"}),
    Row("evaluation: a check left out, signed for", reevaluate(drop_check), {"verdict": "."}),
    Row("evaluation: the arithmetic, signed for", reevaluate(lambda e, _: e.update(arithmetic="fma")),
        {"verdict": "needs-review"}),
    Row("file: a domain.xml that was not there", add("domain.xml"), {"domain.xml": "not covered by the signature"}),
    Row("file: a forensics.json that was not there", add("forensics.json", "{}"),
        {"forensics.json": "not covered by the signature"}),
    Row("file: a model.sig that was not there", add("model.sig", "{}"), {"model.sig": "not covered by the signature"}),
    Row("file: a samples.npz that was not there", add("samples.npz", ""), {"samples.npz": "not covered by the signature"}),
    Row("file: a link for evaluation.json", link, {"evaluation.json": "not a regular file"}),
    Row("file: a link for the bundle", link_bundle, {"bundle": "a symbolic link"}),
    Row("file: a FIFO for the bundle", pipe("result.sigstore.json"), {"bundle": "not a regular file"}),
    Row("file: a FIFO for execution.json", pipe("execution.json"), {"execution.json": "not a regular file"}),
    Row("file: a terabyte of nothing for plan.json", hole("plan.json"), {"plan.json": "larger than 256 MiB"}),
    Row("file: evaluation.json gone", lambda r: (r.out / "evaluation.json").unlink(),
        {"evaluation.json": "is not there"}, status=66),
    Row("file: execution.json emptied", lambda r: (r.out / "execution.json").write_text(""),
        {"execution.json": "not the bytes"}),
    Row("swap: the other result's evaluation.json", from_twin("evaluation.json"), {"evaluation.json": "not the bytes"}),
    Row("swap: the other result's execution.json", from_twin("execution.json"), {"execution.json": "not the bytes"}),
    Row("swap: the other result's bundle", from_twin("result.sigstore.json"),
        {"model": "no file that the statement is about", "evaluation.json": "not the bytes"}, others=True),
]


# --- what the auditor has ------------------------------------------------------------------------------------

def give(**inputs):
    """Inputs by option; a value may need the copy."""
    def tamper(result):
        for name, value in inputs.items():
            option = name.replace("_", "-")
            if value is None:
                result.inputs.pop(option, None)
            else:
                result.inputs[option] = value(result) if callable(value) else value
    return tamper


def ring(name):
    return give(key=None, keys=lambda result: result.material.folder / f"{name}.yaml")


def without_stamp(then):
    """Without the timestamp, whose absence the key's row has to bear."""
    def tamper(result):
        bundle = result.bundle()
        bundle["verificationMaterial"].pop("timestampVerificationData")
        result.write_bundle(bundle)
        then(result)
    return tamper


def changed_input(option, source):
    def tamper(result):
        path = result.folder / "changed"
        shutil.copy(source, path)
        flip(path)
        result.inputs[option] = path
    return tamper


def strict(result):
    path = result.folder / "mine.yaml"
    path.write_text("tier: low\nisolation: [process]\nchecks: {clean-accuracy: {required: true, accuracy: 0.999}}\n")
    result.inputs.update(policy=path, require="policy")


def no_agent(result):
    result.inputs["agent"] = DIGITS / "spec.yaml"


AUDITOR = [
    Row("key: another one", give(key=lambda r: r.material.other_public), {"signature": "names another key"},
        changes_files=False),
    Row("key ring: does not list the key", ring("not-listed"), {"signature": "does not list"}, changes_files=False),
    Row("key ring: the key is a reviewer's", ring("other-use"), {"signature": "but not for results"},
        changes_files=False),
    Row("key ring: expired", ring("expired"), {"key": "station-1: expired"}, changes_files=False),
    Row("key ring: expired, by the signer's clock", without_stamp(ring("expired")),
        {"key": "expired.*signer's own claim"}),
    Row("key ring: not yet valid", ring("early"), {"key": "station-1: not yet valid"}, changes_files=False),
    Row("key ring: revoked", ring("revoked"), {"key": "revoked since 2020-01-01.*stolen.*earliest proof"},
        changes_files=False),
    Row("key ring: revoked, and only the signer's word", without_stamp(ring("revoked-later")),
        {"key": "revoked since .*no timestamp proves"}),
    Row("key: revoked in a ring beside --key", give(keys=lambda r: r.material.folder / "revoked.yaml"),
        {"key": "revoked"}, changes_files=False),
    Row("model: a bit of it", lambda r: changed_input("model", r.inputs["model"])(r),
        {"model": "no file that the statement is about"}, changes_files=False),
    Row("model: the other result's", give(model=lambda r: r.material.folder / "b.onnx"),
        {"model": "no file that the statement is about"}, changes_files=False),
    Row("test set: a bit of it", changed_input("test", DIGITS / "test.npz"), {"test": "the result is of"},
        changes_files=False),
    Row("spec: a bit of it", changed_input("spec", DIGITS / "spec.yaml"), {"spec.yaml": "the result is of"},
        changes_files=False),
    Row("training set: the result had none", give(train=DIGITS / "train-clean.npz"), {"train": "the result had none"},
        changes_files=False),
    Row("agent: another one", no_agent, {"agent": "the result is of"}, changes_files=False),
    Row("authority: another one", give(tsa_ca=lambda r: r.material.folder / "other-tsa" / "ca.pem"),
        {"timestamp": "."}, changes_files=False),
    Row("policy: yours has another verdict, and it is required", strict, {"policy": "required, but: under"},
        changes_files=False),
    Row("requirement: witnesses that there are not", give(require="witnesses"),
        {"witnesses": "required, but there is nothing"}, changes_files=False),
]


# --- the ledger itself ---------------------------------------------------------------------------------------

FORKED = "forked by its operator"  # seen from the checkpoint that the auditor kept


def ledger(name, change, words, since=None, status=4):
    """A row that `lazaret ledger verify` refuses; `since` is a checkpoint that the auditor kept."""
    def tamper(result):
        change(result.take_log())

    def command(result):
        return [BUILD / "lazaret", "ledger", "verify", result.log, "--key", result.material.log / "vkey",
                *(["--since", since(result)] if since else [])]
    return Row(f"ledger: {name}", tamper, words, command=command, status=status, changes_files=name != FORKED,
               watched="log")


def last(folder, pattern):
    """The newest file of a kind: partial ones are named by their length."""
    return sorted(path for path in folder.glob(pattern) if path.is_file())[-1]


def edit_checkpoint(change):
    def tamper(log):
        path = log / "checkpoint"
        lines = path.read_text().split("\n")
        change(lines)
        path.write_text("\n".join(lines))
    return tamper


def sign_wrongly(log):
    path = log / "checkpoint"
    head, _, signature = path.read_text().rstrip("\n").rpartition(" ")
    path.write_text(f"{head} {changed_base64(signature)}\n")


LEDGER = [
    ledger("a bit of a tile", lambda log: flip(last(log, "tile/0/**/*")), "tile/0"),
    ledger("a bit of an entry", lambda log: flip(last(log, "tile/entries/**/*")), "entries|leaf|tile"),
    ledger("a tile that is gone", lambda log: last(log, "tile/0/**/*").unlink(), "tile/0"),
    ledger("the checkpoint's size", edit_checkpoint(lambda lines: lines.__setitem__(1, "1")), "checkpoint"),
    ledger("the checkpoint's root", edit_checkpoint(lambda lines: lines.__setitem__(2, b64(bytes(32)))),
           "checkpoint"),
    ledger("the checkpoint's origin", edit_checkpoint(lambda lines: lines.__setitem__(0, "example.net/log")),
           "checkpoint"),
    ledger("the checkpoint's signature", sign_wrongly, "checkpoint: the signature of"),
    ledger("another ledger under our name", lambda log: shutil.copytree(
        log.parents[1] / "log2", log, dirs_exist_ok=True), "checkpoint"),
    ledger("rolled back by its operator", lambda log: shutil.copy(log.parents[1] / "older.checkpoint",
                                                                  log / "checkpoint"), "leaves|older|smaller|grew",
           since=lambda result: result.material.log / "checkpoint"),
    ledger(FORKED, lambda log: None, "leaves|root|consisten|grew",
           since=lambda result: result.material.forked),
]

ROWS = FILES + AUDITOR + LEDGER
