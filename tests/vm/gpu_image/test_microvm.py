# SPDX-License-Identifier: Apache-2.0
"""A GPU's image in a microVM without a GPU: it runs from its verified disk, says that there is no device, and ends at a
wrong byte of that disk.

LAZARET_GPU_IMAGE=1 tries wrong bytes in more places, and a scratch disk beside.
"""
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time
import unittest

from driver import HOARDS_AT, STATE
from lazaret import Case, digest, has_microvm, lazaret, main, state

COULD_NOT_EVALUATE, PASSED, MISMATCH = 3, 0, 4
LONG = os.environ.get("LAZARET_GPU_IMAGE")
POLICY = """tier: low
arithmetic: fma
isolation: [microvm]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {deadlineSeconds: 900, memoryMiB: 512, modelMiB: 64}
report: {inputs: none}
checks:
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
"""
BLOCK = 4096


def has_image():
    return has_microvm() and (STATE / "images" / "default-intel").exists()


@unittest.skipUnless(has_image(), "needs root, QEMU, and the image that the test gpu-image makes")
class GpuImage(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls.folder / "policy.yaml"
        cls.policy.write_text(POLICY)
        cls.name = (STATE / "images" / "default-intel").read_text().strip()
        cls.disk = STATE / "images" / cls.name / "disk.img"
        cls.manifest = json.loads((cls.disk.parent / "manifest.json").read_text())
        known = state() / "kvm-does-not-work"
        if known.exists():  # what the probe found out once already
            shutil.copy(known, STATE)

    def evaluate_on_disk(self, name, policy=None, device="opencl", model=None, more=()):
        extra = ["--policy", policy or self.policy, *more]
        if device:
            extra += ["--device", device]
        return self.evaluate(name, train=None, isolation="microvm", extra=extra, environment={"LAZARET_STATE": str(STATE)},
                             **({"model": model} if model else {}))

    def execution_of(self, output):
        return json.loads((output / "execution.json").read_text())

    def test_no_device(self):
        """Agent and loader run from the disk; the driver has no device, and that is what the result says."""
        finished, output = self.evaluate_on_disk("no-device")
        self.assertEqual(finished.returncode, COULD_NOT_EVALUATE, finished.stderr)
        execution = self.execution_of(output)
        self.assertIn("no OpenCL", execution["failure"])
        self.assertNotIn("corrupted", execution["failure"])
        # The disk is in the result: its digest, its root hash, and the latter in the guest's command line.
        disk = self.manifest["disk"]
        self.assertEqual(execution["digests"]["disk"], disk["sha256"])
        self.assertEqual(execution["digests"]["disk"], digest(self.disk))
        self.assertEqual(execution["digests"]["diskRoot"], disk["rootHash"])
        self.assertEqual(execution["digests"]["image"], self.name)
        self.assertEqual(execution["digests"]["agent"], self.manifest["agent"]["sha256"])
        xml = (output / "domain.xml").read_text()
        self.assertIn(f"lazaret.disk={disk['blocks']}:{disk['rootHash']}", xml)
        self.assertEqual(xml.count("<disk "), 1)
        self.assertEqual(xml.count("<readonly/>"), 1)
        if execution["acceleration"] == "tcg":  # a driver without a card computes on this processor
            self.assertIn(">Haswell-noTSX</model>", xml)
            self.assertIn("Haswell", execution["guest"]["cpuModel"])
        verified = lazaret("verify", output, "--key", self.public, "--disk", self.disk)
        self.assertEqual(verified.returncode, PASSED, verified.stdout)
        other = self.folder / "other.img"
        other.write_bytes(b"another disk")
        self.assertEqual(lazaret("verify", output, "--key", self.public, "--disk", other).returncode, MISMATCH)
        self.assert_nothing_left()

    def test_driver_without_end(self):
        """A driver that takes memory without end loses its worker, and the supervisor lives to say why."""
        finished, output = self.evaluate_on_disk("hoard", more=["--vcpus", HOARDS_AT])
        self.assertEqual(finished.returncode, COULD_NOT_EVALUATE, finished.stderr)
        self.assertRegex(self.execution_of(output)["failure"],
                         "the kernel killed the worker: out of memory, at its control group's [0-9]+ MiB")
        self.assertFalse((output / "evaluation.json").exists())
        self.assert_nothing_left()

    def wrong_bytes(self, name, places, **options):
        """Runs a job whose disk gets wrong bytes once its guest is there, and right ones again afterwards."""
        blocks = [place * BLOCK + 9 for place in places]
        result = []
        job = threading.Thread(target=lambda: result.append(self.evaluate_on_disk(name, **options)))
        os.chmod(self.disk, 0o644)
        with open(self.disk, "r+b", buffering=0) as disk:
            job.start()
            while not self.guest_is_there() and job.is_alive():
                time.sleep(0.02)
            self.flip(disk, blocks)
            job.join()
            self.flip(disk, blocks)
        os.chmod(self.disk, 0o444)
        return result[0]

    @staticmethod
    def guest_is_there():
        """The test has a PID namespace of its own, so any QEMU is its job's."""
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and pathlib.Path(f"/proc/{entry}/comm").read_text().startswith("qemu-system"):
                    return True
            except OSError:
                pass
        return False

    @staticmethod
    def flip(disk, places):
        for place in places:
            byte = os.pread(disk.fileno(), 1, place)
            os.pwrite(disk.fileno(), bytes([byte[0] ^ 0x20]), place)

    def expect_fault(self, name, places, **options):
        finished, output = self.wrong_bytes(name, places, **options)
        self.assertEqual(finished.returncode, COULD_NOT_EVALUATE, finished.stderr)
        failure = self.execution_of(output)["failure"]
        self.assertIn("the image's disk is not what its root hash says", failure)
        self.assertRegex(failure, "device-mapper: verity: [0-9:]+ (data|metadata) block [0-9]+ is corrupted")
        self.assertFalse((output / "evaluation.json").exists())
        self.assertEqual(lazaret("verify", output, "--key", self.public).returncode, PASSED)
        self.assert_nothing_left()

    def test_wrong_bytes_of_the_agent(self):
        """The file system can be mounted; what runs from it can't be read."""
        self.expect_fault("agent", range(64, self.manifest["disk"]["blocks"] - 128))

    @unittest.skipUnless(LONG, "the long form")
    def test_wrong_bytes_elsewhere(self):
        blocks, size = self.manifest["disk"]["blocks"], self.disk.stat().st_size
        self.expect_fault("superblock", [0])
        self.expect_fault("top", [blocks])  # of the hash tree
        self.expect_fault("leaves", range(blocks + 1, size // BLOCK))

    def make_image_of(self, content):
        """An image whose disk holds this, its tree by veritysetup; its name."""
        folder = self.folder / "image"
        shutil.copytree(self.disk.parent, folder)
        disk, blocks = folder / "disk.img", len(content) // BLOCK
        disk.unlink()
        disk.write_bytes(content)
        told = subprocess.run(["veritysetup", "format", "--no-superblock", "--salt=-", f"--data-blocks={blocks}",
                               f"--hash-offset={len(content)}", str(disk), str(disk)], capture_output=True, text=True,
                              check=True, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}).stdout
        root = next(line.split()[-1] for line in told.splitlines() if line.startswith("Root hash"))
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["disk"].update(blocks=blocks, rootHash=root, sha256=digest(disk), size=disk.stat().st_size)
        line = manifest["commandLine"]
        manifest["commandLine"] = line[:line.index("lazaret.disk=")] + f"lazaret.disk={blocks}:{root}"
        (folder / "manifest.json").unlink()
        (folder / "manifest.json").write_text(json.dumps(manifest, sort_keys=True, separators=(",", ":")))
        name = digest(folder / "manifest.json")
        shutil.copytree(folder, STATE / "images" / name)
        return name

    @unittest.skipUnless(LONG, "the long form")
    @unittest.skipUnless(shutil.which("veritysetup", path=os.environ["PATH"] + ":/usr/sbin"), "needs veritysetup")
    def test_no_file_system(self):
        """A disk as verified as it is senseless: the static agent itself tells the host what it could not do."""
        name = self.make_image_of(b"no file system  " * 256 * 200)
        default = STATE / "images" / "default-intel"
        default.write_text(name + "\n")
        try:
            finished, output = self.evaluate_on_disk("senseless")
        finally:
            default.write_text(self.name + "\n")
            shutil.rmtree(STATE / "images" / name)
        self.assertEqual(finished.returncode, COULD_NOT_EVALUATE, finished.stderr)
        self.assertIn("the image's disk: /dev/dm-0: Invalid argument", self.execution_of(output)["failure"])
        self.assert_nothing_left()

    def test_found_before(self):
        """A disk that was changed before the job is refused by the host, and no guest begins."""
        os.chmod(self.disk, 0o644)
        try:
            with open(self.disk, "r+b", buffering=0) as disk:
                self.flip(disk, [BLOCK])
                finished, output = self.evaluate_on_disk("before")
                self.flip(disk, [BLOCK])
        finally:
            os.chmod(self.disk, 0o444)
        self.assertEqual(finished.returncode, 65, finished.stderr)
        self.assertIn("disk.img: its digest is not the manifest's", finished.stderr)
        self.assertFalse(output.exists())

    @unittest.skipUnless(LONG, "the long form")
    def test_on_the_processor(self):
        """The dynamic agent on the processor, with the bits of the static one; a scratch disk beside the image's own."""
        policy = self.folder / "forensics.yaml"
        policy.write_text(POLICY + "forensics: {scratchMiB: 16}\n")
        default = STATE / "images" / "default"
        shutil.copy(STATE / "images" / "default-intel", default)
        try:
            finished, output = self.evaluate_on_disk("disk", policy=policy, device=None)
        finally:
            default.unlink()
        self.assertEqual(finished.returncode, PASSED, finished.stderr)
        self.assertEqual((output / "domain.xml").read_text().count("<disk "), 2)
        plain, other = self.evaluate("plain", train=None, isolation="microvm", extra=["--policy", self.policy])
        self.assertEqual(plain.returncode, PASSED, plain.stderr)
        mine, theirs = self.evaluation_of(output), self.evaluation_of(other)
        self.assertEqual(mine["checks"], theirs["checks"])


if __name__ == "__main__":
    main()
