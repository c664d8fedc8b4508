# SPDX-License-Identifier: Apache-2.0
"""What the tests of approvals share: one desk, one result of each kind, and a copy for each test."""
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

import desk


class Case(unittest.TestCase):
    """`policy` and `plain`: medium, two sign-offs needed, nothing else amiss."""

    @classmethod
    def setUpClass(cls):
        if shutil.which("ssh-keygen") is None or shutil.which("openssl") is None:
            print("SKIPPED: no ssh-keygen and openssl here")
            sys.exit(77)
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-approval-"))
        cls.desk = desk.Desk(cls.folder)
        cls.policy = cls.desk.policy("medium", required=2)
        cls.plain = cls.desk.result(cls.policy, "plain")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def copy(self, result=None):
        """A copy of a result for this test alone."""
        return self.desk.copy(result or self.plain, self.id().rsplit(".", 1)[1] + f"-{self.desk_count()}")

    def desk_count(self):
        self.desk.count += 1
        return self.desk.count

    def says(self, made, status, *words):
        """The exit status, and what standard output and error say together."""
        text = made.stdout + made.stderr
        self.assertEqual(made.returncode, status, text)
        for word in words:
            self.assertIn(word, text)
        return text

    def approve_all(self, result, *names, policy=None):
        for name in names:
            self.says(self.desk.approve(result, policy or self.policy, name), 0, f"signed by {name}")

    def put_sign_off(self, result, payload, *names):
        """Signatures by PEM keys over a statement made by hand, with its envelope left out."""
        (result / "approval.json").write_bytes(payload)
        for name in names:
            (result / f"approval-{name}.sigstore.json").write_bytes(self.desk.bundle(payload, name))

    def sign_off_statement(self, result, change, policy=None):
        """The statement that the program makes, changed."""
        scratch = self.copy(result)
        self.says(self.desk.lazaret("approve", scratch, "--policy", policy or self.policy, "--request",
                                    scratch / "request"), 0)
        statement = json.loads((scratch / "approval.json").read_text())
        change(statement)
        return desk.canonical(statement)


EXTENSION = "https://lazaret.dev/approval/v1"


def extension(statement, name=EXTENSION):
    return statement["predicate"][name]
