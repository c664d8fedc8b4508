# SPDX-License-Identifier: Apache-2.0
"""lazaret scan, whole: verdicts and exit statuses, bad input in bounded time and memory, the same report from a VM."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "evaluation"))
from lazaret import DIGITS, LAZARET, Case, check_of, has_microvm, lazaret, main  # noqa: E402

import malicious  # noqa: E402

ALLOWED, DANGEROUS, UNKNOWN, UNSCANNED, NO_INPUT, USAGE = 0, 1, 2, 3, 66, 64
MEMORY_MAX = 64 << 20  # of any of our processes, besides the file

# Runs a program from a small process, and prints the peak memory of the largest of its descendants, in KiB.
MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


class Scan(Case):
    def folder_of(self, name, **files):
        folder = self.folder / name
        folder.mkdir()
        for file, content in files.items():
            (folder / file.replace("__", ".")).write_bytes(content)
        return folder

    def scan(self, *paths, isolation="process", timeout=300, extra=()):
        """Exit status and the report's entries, by name."""
        finished = lazaret("scan", *paths, "--format", "json", "--isolation", isolation, "--quiet", *extra,
                           timeout=timeout)
        self.assertIn(finished.returncode, (ALLOWED, DANGEROUS, UNKNOWN, UNSCANNED), finished.stderr)
        files = json.loads(finished.stdout)["files"]
        return finished.returncode, {pathlib.Path(f["name"]).name: f for f in files}

    # --- verdicts -------------------------------------------------------------------------------------

    def test_verdicts_and_exit_statuses(self):
        folder = self.folder_of("verdicts", a__pkl=malicious.harmless())
        self.assertEqual(self.scan(folder)[0], ALLOWED)
        (folder / "b.pkl").write_bytes(malicious.unknown())
        status, files = self.scan(folder)
        self.assertEqual((status, files["b.pkl"]["verdict"]), (UNKNOWN, "unknown"))
        (folder / "c.bin").write_bytes(os.urandom(16) + b"\0" * 4096)
        status, files = self.scan(folder)
        self.assertEqual((status, files["c.bin"]["verdict"]), (UNSCANNED, "unscanned"))
        (folder / "d.txt").write_bytes(malicious.call("os", "system", "id"))
        status, files = self.scan(folder)
        self.assertEqual((status, files["d.txt"]["verdict"]), (DANGEROUS, "dangerous"))
        self.assertEqual([files[n]["verdict"] for n in ("a.pkl", "b.pkl", "c.bin")], ["allowed", "unknown", "unscanned"])
        self.assert_nothing_left()

    def test_a_finding_says_where_and_what(self):
        folder = self.folder_of("finding", m__zip=malicious.in_zip(archive__data__pkl=malicious.call("os", "system", "id")))
        file = self.scan(folder)[1]["m.zip"]
        finding = next(f for f in file["findings"] if f["severity"] == "critical")
        self.assertIn("data", finding["member"])
        self.assertIn("os", finding["detail"])
        self.assertTrue(finding["effect"] and finding["rule"].startswith("pickle"))
        self.assertIn(finding["offset"], [line["offset"] for line in finding["context"]])
        self.assertEqual(file["size"], (folder / "m.zip").stat().st_size)
        self.assertEqual(len(file["sha256"]), 64)

    def test_text_for_people(self):
        folder = self.folder_of("text", **{"evil__pkl": malicious.call("os", "system", "\x1b[2Jid")})
        (folder / "a\x1b[31mb").write_bytes(b"")
        finished = lazaret("scan", folder, "--isolation", "process")
        self.assertEqual(finished.returncode, DANGEROUS)
        self.assertNotIn("\x1b", finished.stdout)
        self.assertIn("REDUCE", finished.stdout)
        self.assertIn("2 files: 1 dangerous, 0 unscanned, 0 unknown, 1 allowed", finished.stdout)

    def test_report_goes_to_a_file(self):
        folder = self.folder_of("output", a__pkl=malicious.harmless())
        report = self.folder / "report.json"
        finished = lazaret("scan", folder, "--isolation", "process", "--format", "json", "-o", report)
        self.assertEqual((finished.returncode, finished.stdout), (ALLOWED, ""))
        text = report.read_text()
        canonical = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
        self.assertEqual(text, canonical)

    def test_sarif(self):
        folder = self.folder_of("sarif", **{"evil x__pkl": malicious.call("os", "system", "id"), "n__bin": b"\0\1" * 99})
        finished = lazaret("scan", folder, "--isolation", "process", "--format", "sarif")
        run = json.loads(finished.stdout)["runs"][0]
        result = next(r for r in run["results"] if r["level"] == "error")
        place = result["locations"][0]["physicalLocation"]
        self.assertTrue(place["artifactLocation"]["uri"].endswith("evil%20x.pkl"))
        self.assertIn("byteOffset", place["region"])
        self.assertEqual(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"], result["ruleId"])
        notes = run["invocations"][0]["toolExecutionNotifications"]
        self.assertTrue(any("n.bin" in n["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for n in notes))

    # --- what is no ordinary file -----------------------------------------------------------------------

    def test_what_is_no_file(self):
        folder = self.folder_of("odd", a__pkl=malicious.harmless(), empty=b"")
        outside = self.folder / "outside.pkl"
        outside.write_bytes(malicious.harmless())
        os.symlink(outside, folder / "out")
        os.symlink("a.pkl", folder / "inside")
        os.symlink("nothing", folder / "broken")
        os.symlink(".", folder / "loop")
        os.symlink("/dev/zero", folder / "zero")
        os.mkfifo(folder / "fifo")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "socket"))
            began = time.monotonic()
            status, files = self.scan(folder)
        self.assertLess(time.monotonic() - began, 60)
        self.assertEqual(status, UNSCANNED)
        rules = {name: [f["rule"] for f in file["findings"]] for name, file in files.items()}
        self.assertEqual(rules, {"a.pkl": [], "empty": ["empty"], "out": ["link-outside"], "broken": ["link-broken"],
                                 "zero": ["link-outside"], "fifo": ["not-a-file"], "socket": ["not-a-file"]})
        self.assertEqual({name for name, file in files.items() if file["verdict"] == "allowed"}, {"a.pkl", "empty"})
        self.assertEqual(self.scan("/dev/zero")[0], UNSCANNED)
        self.assertEqual(self.scan(folder / "fifo")[0], UNSCANNED)
        self.assertEqual(self.scan(folder / "inside")[0], ALLOWED)  # named by the user: followed

    def test_nothing_to_scan(self):
        empty = self.folder / "nothing"
        (empty / "deeper").mkdir(parents=True)
        for path, status, words in ((empty, NO_INPUT, "no file"), (self.folder / "absent", NO_INPUT, "absent")):
            finished = lazaret("scan", path, "--isolation", "process")
            self.assertEqual(finished.returncode, status)
            self.assertIn(words, finished.stderr)
        self.assertEqual(lazaret("scan").returncode, USAGE)

    def test_unreadable(self):
        folder = self.folder_of("unreadable", a__pkl=malicious.harmless())
        deep = folder
        for _ in range(80):
            deep = deep / "d"
        deep.mkdir(parents=True)
        (deep / "evil.pkl").write_bytes(malicious.call("os", "system", "id"))
        status, files = self.scan(folder)
        self.assertEqual(status, UNSCANNED)
        self.assertIn("too-many", [f["rule"] for file in files.values() for f in file["findings"]])

    # --- what is large ------------------------------------------------------------------------------------

    def bounded(self, path, seconds):
        """A scan within a time, of processes within their memory; the entry of the one file."""
        began = time.monotonic()
        finished = subprocess.run([sys.executable, "-c", MEASURE, str(LAZARET), "scan", str(path), "--format", "json",
                                   "--isolation", "process"], capture_output=True, timeout=seconds, check=False)
        self.assertLess(time.monotonic() - began, seconds)
        self.assertLess(int(finished.stderr) << 10, MEMORY_MAX)
        return finished.returncode, json.loads(finished.stdout)["files"][0]

    def test_sparse(self):
        path = self.folder / "sparse.bin"
        with open(path, "wb") as file:
            file.truncate(10 << 30)
        status, file = self.bounded(path, 480)
        self.assertEqual((status, file["verdict"], file["size"]), (ALLOWED, "allowed", 10 << 30))
        self.assertEqual([(s["reason"], s["bytes"]) for s in file["coverage"]["skipped"]], [("padding", 10 << 30)])

    def test_a_million_members(self):
        path = self.folder / "million.zip"
        path.write_bytes(malicious.many_members(1000000))
        status, file = self.bounded(path, 240)
        self.assertIn(file["verdict"], ("allowed", "unscanned", "unknown"))
        path.write_bytes(malicious.many_members(1100000))  # more than are looked at
        self.assertNotEqual(self.bounded(path, 240)[0], ALLOWED)

    def test_nested(self):
        path = self.folder / "nested.zip"
        path.write_bytes(malicious.nested(1000, malicious.call("os", "system", "id")))
        status, file = self.bounded(path, 120)
        self.assertIn(file["verdict"], ("unscanned", "dangerous"))
        self.assertIn("depth", [s["reason"] for s in file["coverage"]["skipped"]])
        path.write_bytes(malicious.nested(5, malicious.call("os", "system", "id")))
        self.assertEqual(self.bounded(path, 120)[0], DANGEROUS)
        path.write_bytes(malicious.deep_json(100000))
        self.bounded(path, 120)

    def test_a_file_that_changes(self):
        """Written to all the time: never a verdict on bytes that are not those of the digest."""
        path = self.folder / "changing.pkl"
        content = b"\x80\x04" + b"K\x01" * (4 << 20) + b"."
        path.write_bytes(content)
        stop = threading.Event()

        def write():
            with open(path, "r+b") as file:
                value = 0
                while not stop.is_set():
                    value = (value + 1) % 250
                    file.seek(len(content) - 2)
                    file.write(bytes([value]))
                    file.flush()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            status, files = self.scan(path)
        finally:
            stop.set()
            writer.join()
        file = files["changing.pkl"]
        self.assertEqual((status, file["verdict"], file["sha256"]), (UNSCANNED, "unscanned", None))
        self.assertIn("file-changed", [f["rule"] for f in file["findings"]])

    # --- evaluations ------------------------------------------------------------------------------------------

    def test_a_dangerous_model_is_never_imported(self):
        model = self.folder / "model.onnx"
        model.write_bytes(malicious.call("os", "system", "id"))
        finished, output = self.evaluate("dangerous", model=model)
        self.assertEqual(finished.returncode, 1, finished.stderr)
        evaluation = self.evaluation_of(output)
        scan = check_of(evaluation, "scan")
        self.assertEqual((scan["status"], scan["files"][0]["verdict"]), ("failed", "dangerous"))
        others = [c for c in evaluation["checks"] if c["id"] != "scan"]
        self.assertEqual({c["status"] for c in others}, {"skipped"})
        self.assertEqual(evaluation["classes"], 0)
        self.assertNotIn("import", (output / "events.jsonl").read_text().replace("imported", ""))
        sarif = json.loads((output / "findings.sarif").read_text())
        self.assertTrue(any(r["level"] == "error" for r in sarif["runs"][0]["results"]))
        verified = lazaret("verify", output, "--key", self.public, "--model", model)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        replayed = lazaret("replay", output, "--key", self.public, "--model", model, "--test", DIGITS / "test.npz",
                           "--train", DIGITS / "train-clean.npz", "--isolation", "process")
        self.assertEqual(replayed.returncode, 0, replayed.stdout + replayed.stderr)
        self.assert_nothing_left()

    def test_an_ordinary_model_is_allowed(self):
        finished, output = self.evaluate("ordinary")
        self.assertEqual(finished.returncode, 0, finished.stdout + finished.stderr)
        scan = check_of(self.evaluation_of(output), "scan")
        self.assertEqual((scan["status"], scan["files"][0]["verdict"], scan["files"][0]["format"]),
                         ("passed", "allowed", "onnx"))

    # --- in a VM ------------------------------------------------------------------------------------------------

    @unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
    def test_microvm_gives_the_same_bytes(self):
        folder = self.folder_of("same", a__pkl=malicious.harmless(), b__pkl=malicious.unknown(),
                                c__pkl=malicious.call("builtins", "eval", "1"), d__bin=b"\0\1" * 400000, e=b"",
                                f__zip=malicious.nested(3, malicious.call("os", "system", "id")),
                                g__zip=malicious.many_members(5000), h__onnx=(DIGITS / "clean.onnx").read_bytes())
        reports = []
        for isolation in ("process", "microvm"):
            finished = subprocess.run([str(LAZARET), "scan", "same", "--format", "json", "--isolation", isolation],
                                      capture_output=True, cwd=self.folder, timeout=600, check=False)
            self.assertEqual(finished.returncode, DANGEROUS, finished.stderr)
            reports.append(finished.stdout)
        self.assertEqual(reports[0], reports[1])
        self.assertEqual(folder.name, "same")
        self.assert_nothing_left()

    @unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
    def test_another_qemu_in_the_path_is_not_run(self):
        """QEMU is the one that doctor looks at and the result names, whoever's PATH lazaret was started with."""
        programs = self.folder_of("programs", **{"qemu-system-x86_64": b"#!/bin/sh\nexit 1\n"})
        (programs / "qemu-system-x86_64").chmod(0o755)
        model = self.folder_of("path", a__pkl=malicious.harmless())
        finished = lazaret("scan", model, "--isolation", "microvm", "--quiet",
                           environment={"PATH": f"{programs}:{os.environ['PATH']}"})
        self.assertEqual(finished.returncode, ALLOWED, finished.stderr)


if __name__ == "__main__":
    main()
