# SPDX-License-Identifier: Apache-2.0
"""Hostile guests, the short form: every case that runs as a process, and the VMs that the table calls short.

tests/vm/hostile/run is the long form: every case in a VM, each more than once.
"""
import shutil
import unittest

from guests import Guests  # first: finds the helpers of whole evaluations
from lazaret import Case, has_microvm, main

import cases
import suite


class Hostile(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.guests = Guests(cls.folder, cls.key)

    def run_all(self, chosen, isolation):
        for case in chosen:
            with self.subTest(case.name):
                row = suite.run_case(self.guests, self.public, case, isolation)
                self.assertEqual(row["problem"], "", row)
                self.assert_nothing_left()
                shutil.rmtree(row["output"])

    def test_processes(self):
        """Beside a copy of the program, without a VM."""
        self.run_all([case for case in cases.ALL if case.process], "process")

    @unittest.skipUnless(has_microvm(), "needs root, QEMU and a guest image")
    def test_microvms(self):
        """In real VMs, over the vhost-user device."""
        self.run_all([case for case in cases.ALL if case.short], "microvm")


if __name__ == "__main__":
    main()
