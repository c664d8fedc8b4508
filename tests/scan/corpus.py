#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How a labelled corpus is judged: usage: corpus.py CORPUS [LAZARET] [--misses] [--isolation microvm|process].

CORPUS is a folder, or a tar archive of one, with manifest.csv (file, label malicious or benign, origin, trick) and the
files. They are scanned by one `lazaret scan` of the folder, never loaded. The table has a row a class beside what public scanners reached on 1,333
files of the same making (measured with picklescan 1.0.5, modelscan of 2025-08, fickling 0.1.12, modelaudit 0.2.27);
--misses names the malicious files that were not called dangerous, and the benign ones that were not allowed.
"""
import argparse
import collections
import contextlib
import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLASSES = ["published", "gadgets", "VM/stream", "wrong extension", "containers", "non-pickle", "other malicious"]
# Per cent of a class that the others flag: picklescan, its --strict, modelscan, fickling, modelaudit, its criticals.
OTHERS = {
    "published": (68, 79, 28, 75, 84, 74),
    "gadgets": (30, 100, 13, 93, 98, 56),
    "VM/stream": (61, 79, 51, 77, 91, 77),
    "wrong extension": (100, 100, 14, 94, 100, 97),
    "containers": (39, 42, 22, 25, 80, 51),
    "non-pickle": (2, 2, 12, 2, 44, 29),
    "all malicious": (43, 75, 20, 68, 86, 61),
    "benign flagged": (3, 37, 1, 30, 30, 10),
}
VERDICTS = ["dangerous", "unscanned", "unknown", "allowed"]


def kind(row):
    """The class of a file, by the folder that its maker put it in; of a corpus in other folders, none of them."""
    parts = row["file"].split("/")
    if len(parts) < 3 or (parts[1] == "own" and len(parts) < 4):
        return "other malicious"
    if parts[1] != "own":
        return "published"
    if parts[2].startswith("gadget"):
        return "gadgets"
    if parts[2] == "vm":
        return "wrong extension" if parts[3].startswith("wrongext") else "VM/stream"
    return "containers" if parts[2] in ("arch", "container", "torch", "joblib", "zip", "gz") else "non-pickle"


def scan(lazaret, corpus, isolation):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        start = time.monotonic()
        run = subprocess.run([lazaret, "scan", "--isolation", isolation, "--format", "json", "--quiet", "-o", report,
                              corpus], capture_output=True, text=True, check=False)
        if not report.exists():
            sys.exit(f"corpus.py: exit {run.returncode}: {run.stderr}")
        return json.loads(report.read_text())["files"], time.monotonic() - start


def line(name, verdicts, others=()):
    count = sum(verdicts.values())
    shares = "".join(f"{100 * verdicts[v] / count if count else 0:11.1f}" for v in VERDICTS)
    return f"{name:<18}{count:>6}{shares}   " + "".join(f"{v:>6}" for v in others)


@contextlib.contextmanager
def folder_of(corpus):
    """The folder with the manifest: the corpus itself, or of an archive what is in it, for as long as that is needed."""
    with tempfile.TemporaryDirectory() as unpacked:
        if corpus.is_file():
            if subprocess.run(["tar", "-C", unpacked, "-xf", corpus], check=False).returncode != 0:
                sys.exit(f"corpus.py: {corpus}: neither a folder nor a tar archive")
            found = sorted(pathlib.Path(unpacked).glob("**/manifest.csv"), key=lambda path: len(path.parts))
            corpus = found[0].parent if found else corpus
        if not (corpus / "manifest.csv").is_file():
            sys.exit(f"corpus.py: {corpus}: no manifest.csv (file, label, origin, trick)")
        yield corpus


def judge(options, corpus):
    with open(corpus / "manifest.csv", newline="", encoding="utf-8") as manifest:
        rows = list(csv.DictReader(manifest))
    files, seconds = scan(options.lazaret, corpus, options.isolation)
    prefix = str(corpus).rstrip("/") + "/"
    verdicts = {f["name"].removeprefix(prefix): f for f in files}
    table = collections.defaultdict(collections.Counter)
    misses = []
    for row in rows:
        found = verdicts.get(row["file"], {"verdict": "missing", "format": "", "findings": []})
        malicious = row["label"] == "malicious"
        table[kind(row) if malicious else "benign flagged"][found["verdict"]] += 1
        if malicious:
            table["all malicious"][found["verdict"]] += 1
        if found["verdict"] != ("dangerous" if malicious else "allowed"):
            rules = ",".join(sorted({f["rule"] for f in found["findings"]}))
            misses.append(f"{found['verdict']:<10} {row['file']}  [{found['format']}] {rules}  ({row['trick']})")
    print(f"{len(rows)} files in {seconds:.1f} s; per cent of each class; on the right what others flag:")
    print("picklescan, its --strict, modelscan, fickling, modelaudit, its criticals\n")
    print(f"{'':<18}{'n':>6}" + "".join(f"{v:>11}" for v in VERDICTS))
    for name in CLASSES + ["all malicious", "benign flagged"]:
        if table[name]:
            print(line(name, table[name], OTHERS.get(name, ())))
    if options.misses:
        print("", *misses, sep="\n")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("lazaret", nargs="?", type=pathlib.Path, default=ROOT / "build" / "lazaret")
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--isolation", default="process", choices=["microvm", "process"])
    options = parser.parse_args()
    with folder_of(options.corpus) as corpus:
        judge(options, corpus)


if __name__ == "__main__":
    main()
