# SPDX-License-Identifier: Apache-2.0
"""Agents that die or lie while they scan: that file is unscanned with the true reason, or worse, and the rest goes on."""
import json
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "evaluation"))
from lazaret import BUILD, Case, main  # noqa: E402

import malicious  # noqa: E402

UNSCANNED, DANGEROUS = 3, 1
# What each one does, a word of the reason, and the exit status: what was found before a lie stays found.
AGENTS = {"findings": ("FINDING", UNSCANNED), "verdict": ("verdict", DANGEROUS), "ranges": ("READ", UNSCANNED),
          "dies": ("ended", UNSCANNED)}
FILES = 12  # more than guests may die


class Hostile(Case):
    def test_every_file_is_reported(self):
        models = self.folder / "models"
        models.mkdir()
        for i in range(FILES):
            (models / f"{i:02}.pkl").write_bytes(malicious.harmless())
        for agent, (reason, status) in AGENTS.items():
            with self.subTest(agent):
                binaries = self.folder / agent
                binaries.mkdir()
                shutil.copy(BUILD / "lazaret", binaries / "lazaret")
                shutil.copy(BUILD / "tests" / f"hostile-{agent}", binaries / "lazaret-agent")
                began = time.monotonic()
                finished = subprocess.run([str(binaries / "lazaret"), "scan", str(models), "--isolation", "process",
                                           "--format", "json"], capture_output=True, timeout=120, check=False)
                self.assertLess(time.monotonic() - began, 60)
                self.assertEqual(finished.returncode, status, finished.stderr)
                files = json.loads(finished.stdout)["files"]
                self.assertEqual(len(files), FILES)
                self.assertNotIn("allowed", {f["verdict"] for f in files})
                self.assertIn(reason, files[0]["findings"][-1]["detail"])
                self.assertIn("too many guests", files[-1]["findings"][-1]["detail"])
                self.assert_nothing_left()

    def test_no_guest_at_all(self):
        """One that never speaks the protocol is no file's fault: the scan as a whole fails."""
        model = self.folder / "one.pkl"
        model.write_bytes(malicious.harmless())
        binaries = self.folder / "garbage"
        binaries.mkdir()
        shutil.copy(BUILD / "lazaret", binaries / "lazaret")
        shutil.copy(BUILD / "tests" / "hostile-garbage", binaries / "lazaret-agent")
        finished = subprocess.run([str(binaries / "lazaret"), "scan", str(model), "--isolation", "process"],
                                  capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((finished.returncode, finished.stdout), (UNSCANNED, ""))
        self.assertIn("magic", finished.stderr)


if __name__ == "__main__":
    main()
