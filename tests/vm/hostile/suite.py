# SPDX-License-Identifier: Apache-2.0
"""Runs cases of the table and judges them: verdict, reason, signature, every sink, time, memory, disk, nothing left."""
import html.parser
import json
import re
import xml.etree.ElementTree

from cases import COULD_NOT_EVALUATE
from guests import lazaret

DEADLINES = {"process": 60, "microvm": 120}  # seconds of a job that does not end by itself
WAITING = {"process": 4, "microvm": 60}  # of one that is meant to run into it
MARKUP = ("<img src=x", "<script>alert", "</script></td>")
FILES_OF_ALL = {"execution.json", "plan.json", "events.jsonl", "result.sigstore.json"}


class Problem(Exception):
    """What a case showed that it should not have."""


def expect(condition, text):
    if not condition:
        raise Problem(text)


class Elements(html.parser.HTMLParser):
    """Elements of a page that a guest could have put there."""

    def __init__(self):
        super().__init__()
        self.bad = []

    def handle_starttag(self, tag, attrs):
        if tag in ("img", "iframe", "object") and not dict(attrs).get("src", "").startswith("data:"):
            self.bad.append((tag, attrs))
        self.bad += [(tag, name) for name, _ in attrs if name.startswith("on")]


def check_sinks(outcome):
    """Whatever the guest says is data everywhere: on the terminal, in JSON, in SARIF, in XML, in HTML."""
    bad = {c for c in outcome.printed if not " " <= c <= "~" and c != "\n"}
    expect(not bad, f"the terminal got {bad!r}")
    for path in outcome.output.iterdir():
        if path.suffix in (".json", ".sarif"):
            json.loads(path.read_text())
        elif path.name == "events.jsonl":
            for line in path.read_text().splitlines():
                json.loads(line)
        elif path.suffix == ".xml":
            xml.etree.ElementTree.parse(path)
        elif path.suffix == ".html":
            page, elements = path.read_text(), Elements()
            elements.feed(page)
            expect(not elements.bad, f"{path.name}: {elements.bad[:3]}")
            expect(not any(text in page for text in MARKUP), f"{path.name}: has the guest's markup")


def check_documents(case, outcome, public):
    names = {path.name for path in outcome.output.iterdir()}
    expect(FILES_OF_ALL <= names, f"no {FILES_OF_ALL - names} in the output")
    expect(("evaluation.json" in names) == (outcome.status != COULD_NOT_EVALUATE), "evaluation.json")
    execution = outcome.document("execution.json")
    destruction = execution["destruction"]
    expect(destruction["processesGone"] and destruction["mountsGone"] and destruction["socketsGone"] and
           destruction["cidReleased"] and destruction["left"] == "", f"destruction: {destruction}")
    expect(execution["console"]["bytes"] <= 1 << 20, "console.log is beyond its cap")
    if outcome.status == COULD_NOT_EVALUATE:
        forensics = outcome.document("forensics.json")
        expect(forensics["outcome"] == "could-not-evaluate", f"forensics: {forensics['outcome']}")
        expect(forensics["reasons"] and forensics["reasons"][0][:60] in execution["failure"], "forensics: its reason")
    verified = lazaret("verify", outcome.output, "--key", public)
    expect(verified.returncode == 0, f"verify: {verified.stdout}{verified.stderr}")


def run_case(guests, public, case, isolation, number=0, nothing_left=None):
    """One case once; its figures, with `problem` where it is not as it should be."""
    name = re.sub(r"[^a-z0-9-]", "-", f"{case.name}-{isolation}-{number}")
    deadline = (WAITING if case.waits else DEADLINES)[isolation]
    outcome = guests.evaluate(name, case.mode, isolation, deadline, scan=case.scan, classes=case.classes,
                              model_mib=case.model_mib)
    reason = problem = ""
    try:
        expect(outcome.output.exists(), f"no result: status {outcome.status}: {outcome.printed}")
        reason = outcome.reason
        wanted = case.vm_reason if isolation == "microvm" and case.vm_reason else case.reason
        expect(re.search(wanted, reason), f"reason: {reason!r}, not /{wanted}/")
        may = {case.status, COULD_NOT_EVALUATE} if "|" in wanted else {case.status}
        expect(outcome.status in may, f"status {outcome.status}, not {case.status}: {outcome.printed}")
        check_documents(case, outcome, public)
        check_sinks(outcome)
        if nothing_left is not None:
            nothing_left(outcome.output)
        expect(outcome.wall < deadline + case.seconds, f"took {outcome.wall:.0f} s")
        expect(outcome.memory_mib < case.memory_mib, f"took {outcome.memory_mib:.0f} MiB of memory")
        expect(outcome.disk_mib < case.disk_mib, f"took {outcome.disk_mib:.1f} MiB of disk")
    except Problem as found:
        problem = str(found)
    return {"case": case.name, "isolation": isolation, "status": outcome.status, "reason": reason, "problem": problem,
            "wall": round(outcome.wall, 1), "cpu": round(outcome.cpu, 1), "memory": round(outcome.memory_mib, 1),
            "disk": round(outcome.disk_mib, 2), "output": str(outcome.output)}
