#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`lazaret doctor` as programs and people read it: the form, the exit status, a remedy for each weakness."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

LAZARET = pathlib.Path(os.environ["LAZARET_BUILD"]) / "lazaret"
NEEDED = {"acceleration", "qemu", "libvirt", "vsock", "image", "state directory", "memory", "cgroups", "namespaces"}
WALLS = {"known holes", "mitigations", "seccomp", "landlock", "apparmor", "user namespaces", "swap", "iommu", "clock"}


def doctor(*arguments, state):
    return subprocess.run([LAZARET, "doctor", *arguments], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "LAZARET_STATE": state})


class Output(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lazaret-doctor-")
        self.addCleanup(folder.cleanup)
        self.state = folder.name

    def test_json(self):
        done = doctor("--json", state=self.state)
        checks = json.loads(done.stdout)["checks"]
        for check in checks:
            self.assertEqual(set(check), {"name", "state", "finding", "remedy"})
            self.assertIn(check["state"], ("ok", "note", "missing"))
            self.assertTrue(check["finding"], check)
            self.assertTrue(check["state"] != "missing" or check["remedy"], check)
            self.assertTrue((check["finding"] + check["remedy"]).isprintable(), check)
        self.assertLessEqual(NEEDED | WALLS, {check["name"] for check in checks})
        missing = [check for check in checks if check["state"] == "missing"]
        self.assertIn("image", [check["name"] for check in missing])  # none was built here
        self.assertEqual(done.returncode, 69)

    def test_text(self):
        done = doctor(state=self.state)
        self.assertEqual(done.returncode, 69)
        self.assertRegex(done.stdout, r"(?m)^MISSING  image +\S.*\n +-> lazaret image build$")
        self.assertEqual(doctor("--nonsense", state=self.state).returncode, 64)

    def test_changes_nothing(self):
        doctor(state=self.state)
        self.assertEqual(sorted(path.name for path in pathlib.Path(self.state).iterdir() if path.is_file()), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
