# SPDX-License-Identifier: Apache-2.0
"""evaluation.json is the same bytes whatever computes it: VM or process, processors, batch, instruction set."""
import pathlib
import unittest

from lazaret import Case, digest, has_microvm, main


class SameBits(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reference = cls.digest_of("reference.lazaret")

    @classmethod
    def digest_of(cls, name, **options):
        finished, output = cls.evaluate(name, **options)
        if finished.returncode != 0:
            raise AssertionError(f"exit {finished.returncode}: {finished.stderr}")
        return digest(output / "evaluation.json")

    @unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
    def test_microvm_under_tcg(self):
        self.assertEqual(self.digest_of("tcg", isolation="microvm", extra=["--accel", "tcg"]), self.reference)

    def test_processors(self):
        for count in (1, 2):
            self.assertEqual(self.digest_of(f"vcpus-{count}", extra=["--vcpus", count]), self.reference, count)

    def test_batch(self):
        for batch in (1, 7, 64):
            self.assertEqual(self.digest_of(f"batch-{batch}", extra=["--batch", batch]), self.reference, batch)

    def test_kernels(self):
        flags = pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii")
        for kernels, flag in (("sse2", "sse2"), ("avx", "avx"), ("avx2", "avx2"), ("avx512", "avx512f")):
            with self.subTest(kernels):
                if f" {flag} " not in flags:
                    self.skipTest(f"this processor has no {kernels}")
                self.assertEqual(self.digest_of(f"kernels-{kernels}", extra=["--kernels", kernels]), self.reference)


if __name__ == "__main__":
    main()
