# SPDX-License-Identifier: Apache-2.0
"""A job that ends badly under a policy with a scratch disk: what the guest left on it is listed and hashed, unmounted."""
import ctypes.util
import json
import unittest

from lazaret import DIGITS, Case, has_microvm, lazaret, main
from onnx_writer import field

POLICY = """tier: low
arithmetic: mul-add
isolation: [microvm, process]
acceleration: [kvm, tcg]
minimumSamples: 1
limits: {deadlineSeconds: 600, memoryMiB: 256, modelMiB: 64}
forensics: {scratchMiB: 16}
checks:
  scan: {required: true}
  clean-accuracy: {required: true, bound: point, accuracy: 0.5}
"""
REJECTED = 1


def reaching_out():
    """The digits model with one weight more, which lies outside of the model's folder (TensorProto: external_data 13)."""
    external = field(13, field(1, "location") + field(2, "../../../etc/passwd"))
    tensor = field(1, 1) + field(2, 1) + field(8, "outside") + external + field(14, 1)
    return (DIGITS / "clean.onnx").read_bytes() + field(7, field(5, tensor))


class Forensics(Case):
    def evaluate_reaching_out(self, name, isolation):
        model, policy = self.folder / "outside.onnx", self.folder / "scratch.yaml"
        model.write_bytes(reaching_out())
        policy.write_text(POLICY)
        finished, output = self.evaluate(name, model=model, train=None, isolation=isolation, extra=["--policy", policy])
        self.assertEqual(finished.returncode, REJECTED, finished.stderr)
        self.assertEqual(lazaret("verify", output, "--key", self.public).returncode, 0)
        self.assert_nothing_left()
        forensics = json.loads((output / "forensics.json").read_text())
        self.assertEqual(forensics["outcome"], "rejected")
        self.assertEqual([finding["rule"] for finding in forensics["findings"]], ["onnx-external-path"])
        self.assertGreater(forensics["findings"][0]["offset"], 0)
        return output, forensics

    def test_process(self):
        """A process has no disk: the report says what there is to say without."""
        _, forensics = self.evaluate_reaching_out("process", "process")
        self.assertNotIn("scratch", forensics)

    @unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
    @unittest.skipUnless(ctypes.util.find_library("guestfs"), "needs libguestfs")
    def test_microvm(self):
        output, forensics = self.evaluate_reaching_out("microvm", "microvm")
        files = {entry["name"]: entry for entry in forensics["scratch"]["files"]}
        self.assertEqual(list(files), ["kernel-log.txt"])
        self.assertGreater(files["kernel-log.txt"]["size"], 100)
        self.assertRegex(files["kernel-log.txt"]["sha256"], "^[0-9a-f]{64}$")
        self.assertIn("<target dev='vda' bus='virtio'/>", (output / "domain.xml").read_text())
        self.assertFalse((output / "scratch.img").exists())


if __name__ == "__main__":
    main()
