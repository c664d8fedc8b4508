#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every test that SECURITY.md and docs/containment name is one that ctest runs, and every promise has one.

What counts as a name, between backticks:
  - all of a table's column "tested by": names of ctest's tests, or a command or file of the two kinds below;
  - elsewhere a word that begins as our tests' names do (FAMILIES);
  - `tests/lab/run CASE...`: each is a file of tests/lab/cases; `scripts/fuzz TARGET... [TIME]`: each is a fuzz target;
  - any other command that begins with tests/, ci/ or scripts/: its first word is there.
"""
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "SECURITY.md", *sorted((ROOT / "docs" / "containment").glob("*.md"))]
COLUMN = "tested by"
FAMILIES = re.compile(r"(docs|evaluation|evidence|faults|fuzz-seeds|guest|host|hostile|interop|lab|prove|uml|vsock-device|wire|workers)"
                      r"-[a-z0-9_-]+$")
NO_TESTS = {"guest-cid", "host-model", "host-passthrough", "host-scored"}  # words of QEMU's, libvirt's and our results
TIME = re.compile(r"[0-9]+[smh]?$")


def known_tests():
    said = subprocess.run([os.environ.get("LAZARET_CTEST", "ctest"), "-N", "--test-dir", os.environ["LAZARET_BUILD"]],
                          capture_output=True, text=True, timeout=50, check=True).stdout
    return set(re.findall(r"(?m)^ *Test +#[0-9]+: (\S+)", said))


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


PLACEHOLDER = re.compile(r"[\[\]]|(^|/)[A-Z]{2,}")  # of a usage: [CASE...], NAME


def wrong(words, tests, must_be_test):
    """What is wrong with one name; None where nothing is, or where it is no name of a test."""
    first, *rest = words.split() or [""]
    rest = [word for word in rest if not PLACEHOLDER.search(word)]
    if PLACEHOLDER.search(first):
        return None
    if first == "tests/lab/run":
        lacking = [case for case in rest if not case.startswith("-") and
                   not (ROOT / "tests/lab/cases" / case).is_file()]
        return f"no case of the lab: {lacking}" if lacking else None
    if first.lstrip("./") == "scripts/fuzz":
        lacking = [name for name in rest if not TIME.match(name) and not name.startswith("-") and
                   not (ROOT / "tests/fuzz" / name).is_dir()]
        return f"no fuzz target: {lacking}" if lacking else None
    if re.match(r"(\./)?(tests|ci|scripts)/", first):
        place = first.rstrip("/*").split("{")[0].split("*")[0]
        return None if (ROOT / place).exists() or list(ROOT.glob(first.rstrip("/"))) else "no such file"
    if first in tests or not must_be_test and (first in NO_TESTS or not FAMILIES.match(first)):
        return None
    return "no test of ctest's"


def check(name, text, tests):
    """The problems of one document, a line each."""
    problems, column, rows = [], None, 0
    for number, line in enumerate(text.splitlines(), 1):
        row = cells(line) if line.lstrip().startswith("|") else None
        if row is None:
            column = None
        elif column is None and COLUMN in [cell.lower() for cell in row]:
            column, rows = [cell.lower() for cell in row].index(COLUMN), rows + 1
            continue
        in_column = re.findall(r"`([^`]+)`", row[column]) if row and column is not None and column < len(row) else []
        if row and column is not None and not set("".join(row)) <= set("-: ") and not in_column:
            problems.append(f"{name}:{number}: nothing tests it")
        for words in re.findall(r"`([^`]+)`", line):
            problem = wrong(words, tests, words in in_column)
            if problem:
                problems.append(f"{name}:{number}: `{words}`: {problem}")
    return problems, rows


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tests = known_tests()

    def test_documents(self):
        problems = []
        for path in DOCUMENTS:
            problems += check(path.relative_to(ROOT), path.read_text(), self.tests)[0]
        self.assertEqual(problems, [], "\n" + "\n".join(problems))

    def test_promises_have_tests(self):
        _, rows = check("SECURITY.md", (ROOT / "SECURITY.md").read_text(), self.tests)
        self.assertGreaterEqual(rows, 1)

    def test_finds_what_is_wrong(self):
        def problems(text):
            return len(check("x", text, {"host-doctor", "base"})[0])
        head = "| promise | Tested by |\n|---|---|\n"
        self.assertEqual(problems(head + "| a | `host-doctor`, `base` |"), 0)
        self.assertEqual(problems(head + "| a | `bass` |"), 1)
        self.assertEqual(problems(head + "| a | |"), 1)
        self.assertEqual(problems(head + "| a | `base` |\n\n| b |\n"), 0)
        self.assertEqual(problems("Unit tests (`host-doctor`), and `host-doctors`."), 1)
        self.assertEqual(problems("`host-model`, `vhost-user`, `QEMU`, `base`"), 0)
        self.assertEqual(problems("`tests/lab/run nosuchcase` and `scripts/fuzz nosuchtarget 10m`"), 2)
        self.assertEqual(problems("`scripts/fuzz wire 10m`, `tests/lab/run`, `tests/docs/`, `scripts/test -R x`"), 0)
        self.assertEqual(problems("`tests/nosuch/file.py`"), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
