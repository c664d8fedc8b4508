# SPDX-License-Identifier: Apache-2.0
"""Agents that die or lie while they scan: that file is unscanned with the true reason, or worse, and the rest goes on."""
import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "evaluation"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "hostile"))
from lazaret import Case, main  # noqa: E402
from guests import Guests  # noqa: E402

import malicious  # noqa: E402

UNSCANNED, DANGEROUS = 3, 1
# What each one does, a word of the reason, and the exit status: what was found before a lie stays found.
AGENTS = {"findings-flood": ("FINDING", UNSCANNED), "scan-verdict": ("verdict", DANGEROUS),
          "far-read": ("READ", UNSCANNED), "exits@scan-done": ("ended", UNSCANNED)}
FILES = 12  # more than guests may die


class Hostile(Case):
    def test_every_file_is_reported(self):
        models = self.folder / "models"
        models.mkdir()
        for i in range(FILES):
            (models / f"{i:02}.pkl").write_bytes(malicious.harmless())
        for agent, (reason, status) in AGENTS.items():
            with self.subTest(agent):
                program = Guests(self.folder, self.key).program(agent)
                began = time.monotonic()
                finished = subprocess.run([str(program), "scan", str(models), "--isolation", "process",
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
        program = Guests(self.folder, self.key).program("garbage@hello")
        finished = subprocess.run([str(program), "scan", str(model), "--isolation", "process"],
                                  capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((finished.returncode, finished.stdout), (UNSCANNED, ""))
        self.assertIn("magic", finished.stderr)


if __name__ == "__main__":
    main()
