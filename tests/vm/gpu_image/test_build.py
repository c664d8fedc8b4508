# SPDX-License-Identifier: Apache-2.0
"""Making a GPU's image: what is refused and why, what comes out, and that it comes out the same again.

LAZARET_GPU_IMAGE=intel makes Intel's with Debian's driver too, which fetches some 70 MB.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from driver import STATE, image, make_driver
from lazaret import main

USAGE, BAD_INPUT, NO_INPUT, UNAVAILABLE = 64, 65, 66, 69


class Build(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-gpu-image-"))
        cls.driver = make_driver(cls.folder / "driver")
        shutil.rmtree(STATE / "images", ignore_errors=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def refuse(self, status, *texts, arguments):
        finished = image(*arguments)
        self.assertEqual(finished.returncode, status, finished.stderr)
        for text in texts:
            self.assertIn(text, finished.stderr)
        self.assertEqual(list((STATE / "images").glob("*")), [])

    def build(self, *arguments):
        finished = image("build", "--gpu", *arguments)
        if finished.returncode == UNAVAILABLE and ("download" in finished.stderr or "apt" in finished.stderr):
            self.skipTest("packages can't be fetched here: " + finished.stderr.strip())
        self.assertEqual(finished.returncode, 0, finished.stderr)
        return finished.stdout.strip()

    def info(self, name):
        finished = image("info", "--json", name)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        return json.loads(finished.stdout)["manifest"]

    def test_1_refused(self):
        """All that can be seen before anything is fetched."""
        strange, empty, amd = self.folder / "strange", self.folder / "empty", self.folder / "amd"
        for folder in (strange, empty, amd):
            folder.mkdir()
        (strange / "libcuda.so.1").write_text("no library")
        (amd / "opt").mkdir()
        self.refuse(USAGE, "nvidia, amd or intel", arguments=["build", "--gpu", "matrox"])
        self.refuse(USAGE, "say whose", arguments=["build", "--driver", self.driver])
        self.refuse(USAGE, "--driver DIR is needed", "docs/gpu-image.md", arguments=["build", "--gpu", "nvidia"])
        self.refuse(USAGE, "--driver DIR is needed", arguments=["build", "--gpu", "amd"])
        self.refuse(NO_INPUT, "/nonexistent: no such folder", arguments=["build", "--gpu", "amd", "--driver", "/nonexistent"])
        self.refuse(BAD_INPUT, "libcuda.so.1: a driver's folder holds",
                    arguments=["build", "--gpu", "nvidia", "--driver", strange])
        self.refuse(BAD_INPUT, "no OpenCL driver in it", arguments=["build", "--gpu", "nvidia", "--driver", empty])
        self.refuse(BAD_INPUT, "no OpenCL driver in it", arguments=["build", "--gpu", "amd", "--driver", amd])
        self.refuse(BAD_INPUT, "no nvidia.ko", arguments=["build", "--gpu", "nvidia", "--driver", self.driver])
        self.refuse(NO_INPUT, "image build --gpu intel", arguments=["info", "--gpu", "intel"])

    def test_2_made(self):
        name = self.build("intel", "--driver", self.driver)
        self.assertEqual((STATE / "images" / "default-intel").read_text().strip(), name)
        self.assertFalse((STATE / "images" / "default").exists())
        manifest = self.info(name)
        disk = manifest["disk"]
        self.assertEqual(disk["gpu"], "intel")
        self.assertIn(f" lazaret.disk={disk['blocks']}:{disk['rootHash']}", manifest["commandLine"])
        self.assertTrue(any(package.startswith("libc6 ") for package in disk["packages"]))
        self.assertFalse(any(package.startswith("intel-opencl-icd ") for package in disk["packages"]))
        self.look_inside(STATE / "images" / name / "disk.img")

    def look_inside(self, path):
        """The outside reader of the file system: what is there, what is not, whose it is, when."""
        listed = subprocess.run(["unsquashfs", "-lln", str(path)], capture_output=True, text=True, check=True).stdout
        lines = [line.split(None, 5) for line in listed.splitlines() if line[:1] in "-dlcbps"]
        names = {line[5].split(" -> ")[0]: line for line in lines}
        for wanted in ("usr/lib/lazaret/agent", "usr/lib/nothing/libnothing.so.1", "usr/lib/x86_64-linux-gnu/libOpenCL.so.1",
                       "etc/OpenCL/vendors/nothing.icd", "usr/lib/modules/i915.ko", "usr/lib/modules/order"):
            self.assertIn("squashfs-root/" + wanted, names)
        for line in lines:
            self.assertEqual(line[1], "0/0", line)
            self.assertIn("1970-01-01", " ".join(line[3:5]))
            self.assertIn(line[0], ("drwxr-xr-x", "lrwxrwxrwx", "-r--r--r--", "-r-xr-xr-x"), line)
        self.assertFalse([name for name in names if name.startswith("squashfs-root/usr/bin")])

    def test_3_same_again(self):
        """From a tree with other times, owners, inodes and modes of writing."""
        before = {path.name for path in (STATE / "images").glob("?" * 64)}
        if not before:
            self.skipTest("there is no first one")
        again = make_driver(self.folder / "again")
        for path in again.rglob("*"):
            os.utime(path, (1, 10 ** 9))
            os.chmod(path, 0o775 if path.is_dir() or path.suffix == ".1" else 0o600)
        self.assertEqual({self.build("intel", "--driver", again)}, before)

    @unittest.skipUnless(os.environ.get("LAZARET_GPU_IMAGE"), "the long form")
    def test_4_long(self):
        """A library that is missing, a package of the user's, and Intel's own driver, twice."""
        lacking = make_driver(self.folder / "lacking", needs=["libabsent.so.7"])
        finished = image("build", "--gpu", "intel", "--driver", lacking)
        self.assertEqual(finished.returncode, BAD_INPUT)
        self.assertIn("/usr/lib/nothing/libnothing.so.1 needs libabsent.so.7", finished.stderr)
        names = {self.build("intel"), self.build("intel")}
        self.assertEqual(len(names), 1)
        self.assertTrue(any(p.startswith("intel-opencl-icd ") for p in self.info(names.pop())["disk"]["packages"]))
        self.build("intel", "--driver", self.driver)  # what the microVM test goes on with


if __name__ == "__main__":
    main()
