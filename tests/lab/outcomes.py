# SPDX-License-Identifier: Apache-2.0
"""What came of the lab's cases: a table, and a record on disk of those that passed, so that a run that was stopped goes on."""
import dataclasses
import hashlib
import json
import pathlib
import time

RECORD = "passed.json"


@dataclasses.dataclass
class Outcome:
    """Of one case: its last try, and the seconds and CPU seconds of all of its tries."""
    name: str
    good: int = 0
    bad: int = 0
    seconds: float = 0
    cpu: float = 0
    tries: int = 0
    clock: str = ""
    when: str = ""

    @property
    def passed(self):
        return self.tries > 0 and self.bad == 0

    def row(self):
        said = "passed" if self.passed else "failed" if self.tries else "not run"
        return [self.name, said + (f" {self.when}" if self.when else ""), str(self.good), str(self.bad), str(self.tries), self.clock,
                f"{self.seconds:.0f}", f"{self.cpu:.0f}"]


def table(outcomes):
    """Lines: what came of each case, and at the end how many cases passed. One that was not run has not passed."""
    rows = [["case", "outcome", "lines passed", "lines failed", "tries", "clock", "seconds", "CPU-s"],
            *(outcome.row() for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    passed = sum(outcome.passed for outcome in outcomes)
    return [*lines, f"{passed} passed, {len(outcomes) - passed} failed"]


def digest_of(paths):
    """One digest of files, and of all files below folders, that changes with any of them."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


class Record:
    """Which cases passed, each with a digest of what was tried: one that was of something else counts for nothing."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / RECORD
        try:
            self.cases = json.loads(self.path.read_text())
        except (FileNotFoundError, ValueError):
            self.cases = {}

    def find(self, name, digest):
        """The outcome of a case that passed with that digest, or None."""
        entry = self.cases.get(name, {})
        return Outcome(**entry["outcome"]) if entry.get("digest") == digest else None

    def write(self, outcome, digest):
        """Keeps one that passed, and forgets one that did not."""
        self.cases.pop(outcome.name, None)
        if outcome.passed:
            kept = dataclasses.replace(outcome, when=time.strftime("%Y-%m-%d %H:%M", time.gmtime()))
            self.cases[outcome.name] = {"digest": digest, "outcome": dataclasses.asdict(kept)}
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.cases, indent=1) + "\n")
        new.rename(self.path)
