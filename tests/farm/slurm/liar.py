# SPDX-License-Identifier: Apache-2.0
"""What a lying node runs instead of `lazaret`: it evaluates as it should, and then hands in something else.

usage: liar.py LAZARET LIES KEYS slurm-task …. LIES/NODE names the lie of a node, LIES/once-JOB that of whoever has the job
first; else a node is honest.
"""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

TYPE = "application/vnd.in-toto+json"
EXTENSION = "https://lazaret.dev/evaluation/v1"


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def resign(result, key, change):
    """The statement changed, and signed by a key of the liar's own."""
    path = result / "result.sigstore.json"
    bundle = json.loads(path.read_text())
    envelope = bundle["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    change(statement)
    payload = canonical(statement)
    pae = b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload)
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=pae, capture_output=True,
                               check=True).stdout
    public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], capture_output=True,
                            check=True).stdout
    envelope["payload"] = base64.b64encode(payload).decode()
    envelope["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    bundle["verificationMaterial"]["publicKey"]["hint"] = hashlib.sha256(public).hexdigest()
    path.write_bytes(canonical(bundle))


def forge_figure(result, key):
    """One more of class 0 right, one less of class 1: every sum and every ratio of the whole still holds."""
    path = result / "evaluation.json"
    evaluation = json.loads(path.read_text())
    check = next(check for check in evaluation["checks"] if check["id"] == "clean-accuracy")
    confusion = check["confusion"]
    off = next((i, j) for i, row in enumerate(confusion) for j, count in enumerate(row) if i != j and count > 0)
    other = next(j for j in range(len(confusion)) if j not in off)
    confusion[off[0]][off[1]] -= 1
    confusion[off[0]][other] += 1
    path.write_bytes(canonical(evaluation))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()

    def change(statement):
        for entry in statement["predicate"][EXTENSION]["documents"]:
            if entry["name"] == "evaluation.json":
                entry["digest"]["sha256"] = digest
    resign(result, key, change)


def replace_result(result, with_what):
    shutil.rmtree(result)
    shutil.copytree(with_what, result)


def claim(folder, nonce, node):
    record = folder / "records" / f"{nonce}.json"
    record.write_bytes(canonical({**json.loads(record.read_text()), "node": node}))


def lie(name, folder, nonce, keys, node, lies):
    result = folder / "results" / nonce
    key = keys / f"{node}.pem"
    evaluation = result / "evaluation.json"
    if name == "figure":
        forge_figure(result, key)
    elif name == "wrong-key":
        resign(result, keys.parent / "key.pem", lambda statement: None)
    elif name in ("old", "another-job"):
        replace_result(result, lies.parent / "kept" / name)
        claim(folder, nonce, (lies.parent / "kept" / f"{name}.node").read_text())  # by whose key it is signed
    elif name == "another-node":
        claim(folder, nonce, "n1" if node != "n1" else "n2")
    elif name == "unsigned":
        (result / "result.sigstore.json").unlink()
    elif name == "truncated":
        evaluation.write_bytes(evaluation.read_bytes()[:-10])
    elif name == "link":
        evaluation.unlink()
        evaluation.symlink_to("/etc/hostname")
    elif name == "fifo":
        evaluation.unlink()
        os.mkfifo(evaluation)
    elif name == "huge":
        os.truncate(evaluation, 1 << 40)
    elif name == "owner":
        os.chown(evaluation, 12345, 12345)
    elif name == "hard-link":
        os.link("/etc/hostname" if os.stat("/etc/hostname").st_dev == os.stat(result).st_dev else evaluation,
                result / "more.json")
    elif name == "many":
        for i in range(100):
            (result / f"more-{i}.json").write_text("{}")
    elif name == "no-record":
        (folder / "records" / f"{nonce}.json").write_text("{}")


def main():
    program, lies, keys = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    node = os.environ["SLURMD_NODENAME"]
    path = lies / node
    name = path.read_text() if path.exists() else "none"
    orders = pathlib.Path(sys.argv[sys.argv.index("slurm-task") + 1])
    folder = orders.parent.parent
    order = json.loads(orders.read_text())["orders"][int(os.environ["SLURM_ARRAY_TASK_ID"])]
    once = lies / f"once-{order['description']['id']}"
    if once.exists():
        name = once.read_text()
        once.unlink()
    if name == "sleep":
        (lies.parent / "asleep" / f"{node}-{order['nonce']}").touch()
        time.sleep(600)
    if name == "slow":
        time.sleep(1.5)
    if name == "after":
        while not (lies / "go").exists():
            time.sleep(0.1)
    if name == "crash":
        sys.exit(9)
    record = folder / "records" / f"{order['nonce']}.json"
    if name == "gpu-7":
        os.environ["SLURM_JOB_GPUS"] = "7"
    if name == "no-gpu":
        os.environ.pop("SLURM_JOB_GPUS", None)
    if name in ("none", "slow", "after", "gpu-7", "no-gpu"):
        os.execv(program, [program, *sys.argv[4:]])
    # The record last: until then the controller looks at nothing. It is written aside, and its folder is found by
    # the orders' path, so the liar gives the task a folder of its own.
    aside = lies.parent / "aside" / order["nonce"]
    for part in ("results", "records", "logs"):
        (aside / part).mkdir(parents=True)
    (aside / "orders").mkdir()
    shutil.copy(orders, aside / "orders" / orders.name)
    arguments = [argument.replace(str(folder), str(aside)) for argument in sys.argv[4:]]
    status = subprocess.run([program, *arguments], check=False).returncode
    lie(name, aside, order["nonce"], keys, node, lies)
    for entry in (aside / "results").iterdir():
        os.rename(entry, folder / "results" / entry.name)
    os.rename(aside / "records" / record.name, record)
    shutil.rmtree(aside)
    sys.exit(status)


if __name__ == "__main__":
    main()
