# SPDX-License-Identifier: Apache-2.0
"""Which sign-offs count: k of n, once each, of this result, under this policy, in time, by keys that may."""
import json
import os
import shutil
import subprocess
import sys
import time
import unittest

from case import Case, extension
from desk import BUILD, ROOT, canonical, day, moment, pae, payload_of, run


class Counting(Case):
    def test_k_of_n(self):
        result = self.copy()
        self.says(self.desk.release(result, self.policy), 2, "0 of 2 sign-offs", "not released yet")
        self.approve_all(result, "alice")
        self.says(self.desk.release(result, self.policy), 2, "1 of 2 sign-offs", "alice counts")
        self.assertFalse((result / "release.sigstore.json").exists())
        self.approve_all(result, "carol")
        self.says(self.desk.release(result, self.policy), 0, "alice counts", "carol counts", "released:")
        self.says(self.desk.check(result, self.policy), 0, "released: sign-offs: 2")
        self.assertEqual([path.name for path in result.glob(".*")], [])

    def test_the_same_bytes(self):
        result = self.copy()
        self.approve_all(result, "alice", "bob", "dora")
        statement = (result / "approval.json").read_bytes()
        for name in ("alice", "bob"):
            self.assertEqual(payload_of(result / f"approval-{name}.sigstore.json"), statement)
        envelope = json.loads((result / "approval.dsse.json").read_text())
        self.assertEqual(len(envelope["signatures"]), 2)
        document = json.loads(statement)
        self.assertEqual(document["predicateType"], "https://in-toto.io/attestation/svr/v0.2")
        self.assertEqual(document["predicate"]["properties"], ["X_HUMAN_APPROVED"])
        self.assertEqual(canonical(document), statement)

    def test_once(self):
        """The same key again, as PEM and as SSH, in the program's hands and in the directory."""
        result = self.copy()
        self.approve_all(result, "alice")
        self.says(self.desk.approve(result, self.policy, "alice"), 64, "alice has signed already")
        signature = self.desk.ssh_sign((result / "approval.json").read_bytes(), self.desk.private("alice"))
        (self.folder / "alice.sig").write_bytes(signature)
        self.says(self.desk.lazaret("approve", result, "--policy", self.policy, "--ssh-signature",
                                    self.folder / "alice.sig"), 64, "alice has signed already")
        (result / "approval-alice.sshsig").write_bytes(signature)
        self.says(self.desk.release(result, self.policy), 2, "1 of 2", "alice has signed already, and counts once")

    def test_one_key_two_names(self):
        result = self.copy()
        self.approve_all(result, "alice")
        bundle = (result / "approval-alice.sigstore.json").read_bytes()
        (result / "approval-bob.sigstore.json").write_bytes(bundle)
        self.says(self.desk.release(result, self.policy), 4, "signed by alice's key, and not by bob's")
        twice = self.desk.policy("medium", reviewers={"alice": "high", "bob": "high"})
        twice.write_text(twice.read_text().replace(self.indented("bob"), self.indented("alice")))
        self.says(self.desk.release(result, twice), 65, "the key of alice again")

    def indented(self, name):
        return "".join(f"      {line}\n" for line in self.desk.public_text(name).strip().splitlines())

    def test_ssh_elsewhere(self):
        """The bytes go to another machine, and the signature comes back."""
        result, request = self.copy(), self.folder / "request"
        self.says(self.desk.lazaret("approve", result, "--policy", self.policy, "--request", request), 0,
                  "ssh-keygen -Y sign -n lazaret-approval")
        self.assertEqual(request.read_bytes(), pae((result / "approval.json").read_bytes()))
        run("ssh-keygen", "-Y", "sign", "-q", "-n", "lazaret-approval", "-f", self.desk.private("dora"), request)
        self.says(self.desk.lazaret("approve", result, "--policy", self.policy, "--ssh-signature", f"{request}.sig"), 0,
                  "signed by dora", "1 of 2 sign-offs")
        (self.folder / "file.sig").write_bytes(
            self.desk.ssh_sign((result / "approval.json").read_bytes(), self.desk.private("carol"), "file"))
        self.says(self.desk.lazaret("approve", result, "--policy", self.policy, "--ssh-signature",
                                    self.folder / "file.sig"), 4, "another namespace")

    def test_another_result(self):
        other = self.desk.result(self.policy, "another", model="bd15.onnx")
        self.approve_all(other, "alice", "bob")
        result = self.copy()
        for path in other.glob("approval*"):
            (result / path.name).write_bytes(path.read_bytes())
        self.says(self.desk.release(result, self.policy), 2, "0 of 2", "alice's does not count: of another result")
        self.says(self.desk.approve(result, self.policy, "carol"), 65, "of another result", "--new")
        self.says(self.desk.approve(result, self.policy, "carol", "--new"), 0, "signed by carol", "1 of 2")
        self.assertFalse((result / "approval-alice.sigstore.json").exists())

    def test_another_policy(self):
        result = self.copy()
        self.approve_all(result, "alice", "bob")
        other = self.desk.policy("medium", required=2, days=7)
        self.says(self.desk.release(result, other), 2, "for another policy")

    def test_timestamp_added_since(self):
        """The bundle's bytes change, and what it says does not: the sign-offs stay, and so does a release."""
        sys.path.insert(0, str(ROOT / "tests" / "fixtures" / "timestamps"))
        from make import Authority
        result, stamped = self.copy(), self.copy()
        query, reply = self.folder / "query", self.folder / "reply"
        authority = Authority(self.folder / "ca", "Root")
        authority.issue("Root", "Stamps", "stamp", "20200101000000Z", "20900101000000Z")
        self.says(self.desk.lazaret("timestamp", stamped, "--request", query), 0)
        reply.write_bytes(authority.reply(query.read_bytes(), "Stamps"))
        self.says(self.desk.lazaret("timestamp", stamped, "--response", reply, "--tsa-ca",
                                    self.folder / "ca" / "Root.pem"), 0)
        self.approve_all(result, "alice", "carol")
        bundle = result / "result.sigstore.json"
        before, after = bundle.read_bytes(), (stamped / "result.sigstore.json").read_bytes()
        self.assertNotEqual(before, after)
        bundle.write_bytes(after)
        self.says(self.desk.release(result, self.policy), 0, "alice counts", "carol counts")
        bundle.write_bytes(before)
        self.says(self.desk.check(result, self.policy), 0)

    def test_expired(self):
        def change(statement):
            statement["predicate"]["timeCreated"] = moment(-7200)
            extension(statement)["validUntil"] = moment(-3600)

        result = self.copy()
        self.put_sign_off(result, self.sign_off_statement(self.plain, change), "alice", "bob")
        self.says(self.desk.release(result, self.policy), 2, "0 of 2", "alice's does not count: expired at")
        self.says(self.desk.approve(result, self.policy, "carol"), 65, "expired", "--new")
        self.says(self.desk.approve(result, self.policy, "carol", "--new", "--expires", day(-1)), 64, "--expires")

    def test_not_yet(self):
        def change(statement):
            statement["predicate"]["timeCreated"] = moment(7200)

        result = self.copy()
        self.put_sign_off(result, self.sign_off_statement(self.plain, change), "alice", "bob")
        self.says(self.desk.release(result, self.policy), 2, "later than this moment")

    def test_statement_of_a_lower_tier(self):
        def change(statement):
            extension(statement)["tier"] = "low"

        result = self.copy()
        self.put_sign_off(result, self.sign_off_statement(self.plain, change), "alice", "bob")
        self.says(self.desk.release(result, self.policy), 2, "for the low tier, below the policy's medium")

    def test_statement_shows_something_else(self):
        def change(statement):
            extension(statement)["reasons"] = ["nothing to see"]

        result = self.copy()
        self.put_sign_off(result, self.sign_off_statement(self.plain, change), "alice", "bob")
        self.says(self.desk.release(result, self.policy), 4, "not the result's")


class Keys(Case):
    def test_agent(self):
        """A public OpenSSH key, whose private half the agent holds; a private one with a passphrase."""
        result, folder = self.copy(), self.folder / "agent"
        folder.mkdir()
        socket = folder / "socket"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
        try:
            while not socket.exists():
                time.sleep(0.01)
            os.environ["SSH_AUTH_SOCK"] = str(socket)
            run("ssh-add", "-q", self.desk.private("carol"))
            shutil.copy(self.folder / "carol.pub", folder)
            self.says(self.desk.lazaret("approve", result, "--policy", self.policy, "--key", folder / "carol.pub"), 0,
                      "signed by carol")
            self.says(self.desk.lazaret("approve", result, "--policy", self.policy, "--key", self.folder / "dora.pub"), 0,
                      "signed by dora")
        finally:
            agent.terminate()
            agent.wait()
            del os.environ["SSH_AUTH_SOCK"]
        self.says(self.desk.lazaret("approve", result, "--policy", self.policy, "--key", folder / "carol.pub"), 65,
                  "did not sign")

    def test_passphrases(self):
        """Asked for by ssh-keygen's own means; of a PEM key read from a file."""
        (self.folder / "secret").write_text("correct horse\n")
        (self.folder / "secret").chmod(0o600)
        run(BUILD / "lazaret", "keygen", "-o", self.folder / "locked", "--passphrase-file", self.folder / "secret")
        ask = self.folder / "ask"
        ask.write_text("#!/bin/sh\necho correct horse\n")
        ask.chmod(0o755)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "correct horse", "-C", "", "-f", self.folder / "locked-ssh")
        self.desk.SSH = (*self.desk.SSH, "locked-ssh")
        policy = self.desk.policy("medium", reviewers={"locked": "high", "locked-ssh": "high"})
        result = self.desk.result(policy, "behind-passphrases")
        self.says(self.desk.approve(result, policy, "locked", "--passphrase-file", self.folder / "secret"), 0,
                  "signed by locked")
        os.environ.update(SSH_ASKPASS=str(ask), SSH_ASKPASS_REQUIRE="force")
        try:
            self.says(self.desk.approve(result, policy, "locked-ssh"), 0, "signed by locked-ssh")
        finally:
            del os.environ["SSH_ASKPASS"], os.environ["SSH_ASKPASS_REQUIRE"]
        self.says(self.desk.release(result, policy), 0)

    def test_reviewer_below_the_tier(self):
        policy = self.desk.policy("medium", required=2, reviewers={"alice": "high", "bob": "low", "carol": "medium"})
        result = self.desk.result(policy, "low-reviewer")
        self.says(self.desk.approve(result, policy, "bob"), 65, "bob may approve up to the low tier")
        self.approve_all(result, "alice", policy=policy)
        payload = (result / "approval.json").read_bytes()
        self.put_sign_off(result, payload, "bob")
        (result / "approval.dsse.json").unlink()
        self.says(self.desk.release(result, policy), 2, "1 of 2",
                  "bob's does not count: bob may approve up to the low tier, not at medium")

    def test_unknown_reviewer(self):
        result = self.copy()
        self.says(self.desk.approve(result, self.policy, "mallory"), 65, "not among the trusted keys")
        self.approve_all(result, "alice")
        self.put_sign_off(result, (result / "approval.json").read_bytes(), "mallory")
        (result / "approval.dsse.json").unlink()
        self.says(self.desk.release(result, self.policy), 2, "1 of 2", "not among the trusted keys")

    def test_key_that_is_no_reviewers(self):
        result = self.copy()
        self.says(self.desk.approve(result, self.policy, "station"), 65, "not among the trusted keys")
        self.approve_all(result, "alice")
        self.put_sign_off(result, (result / "approval.json").read_bytes(), "wanda")
        (result / "approval.dsse.json").unlink()
        self.says(self.desk.release(result, self.policy), 2, "whose key is not for this")

    def test_a_key_that_the_policy_does_not_name(self):
        policy = self.desk.policy("medium", required=1, reviewers={"alice": "high"}, keys=["station", "alice", "bob"])
        result = self.desk.result(policy, "unnamed")
        self.says(self.desk.approve(result, policy, "bob"), 65, "bob is none of the reviewers")

    def test_dates_and_revocation(self):
        """Keys from a file of their own, so that the policy stays the same when they change."""
        policy = self.desk.policy("medium", required=2, keys=[])
        names = ["station", "alice", "bob", "carol", "dora"]
        ring = self.folder / "ring.yaml"
        ring.write_text(self.desk.keyring(names))
        result = self.desk.result(policy, "dated")
        for name in ("alice", "carol"):
            self.says(self.desk.approve(result, policy, name, "--keys", ring), 0, f"signed by {name}")
        for title, text, word in (
                ("expired", self.desk.keyring(names, {"alice": [f"notAfter: {day(-1)}"]}), "alice's key is expired"),
                ("not yet", self.desk.keyring(names, {"carol": [f"notBefore: {day(2)}"]}), "carol's key is not yet valid"),
                ("revoked", self.desk.keyring(names, revoked=[(self.desk.fingerprint("alice"), day(-1))]),
                 "alice's key is revoked")):
            with self.subTest(title):
                other = self.folder / "other.yaml"
                other.write_text(text)
                self.says(self.desk.release(result, policy, "--keys", other), 2, "1 of 2", word)
                name = word.split("'")[0]
                self.says(self.desk.approve(self.copy(self.plain), policy, name, "--keys", other), 65, word)
        self.says(self.desk.release(result, policy, "--keys", ring), 0)


class Tampering(Case):
    """Each refused with status 4."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.signed = cls.desk.copy(cls.plain, "signed")
        for name in ("alice", "carol"):
            cls.desk.approve(cls.signed, cls.policy, name)

    def refused(self, change, *words):
        result = self.copy(self.signed)
        change(result)
        self.says(self.desk.release(result, self.policy), 4, *words)
        self.assertFalse((result / "release.sigstore.json").exists())

    @staticmethod
    def edit(name, change):
        def run_edit(result):
            path = result / name
            path.write_bytes(change(path.read_bytes()))
        return run_edit

    def test_statement(self):
        self.refused(self.edit("approval.json", lambda text: text.replace(b'"medium"', b'"high"', 1)), "broken")
        self.refused(self.edit("approval.json", lambda text: text + b" "), "approval.json")
        self.refused(lambda result: (result / "approval.json").unlink(), "approval.json")

    def test_signature(self):
        def flip(text):
            bundle = json.loads(text)
            sig = bundle["dsseEnvelope"]["signatures"][0]["sig"]
            bundle["dsseEnvelope"]["signatures"][0]["sig"] = sig[:20] + ("A" if sig[20] != "A" else "B") + sig[21:]
            return canonical(bundle) + b"\n"

        self.refused(self.edit("approval-alice.sigstore.json", flip), "alice broken")
        self.refused(self.edit("approval-carol.sshsig", lambda text: text.replace(b"U1NIU0lH", b"U1NIU0lI")), "carol broken")
        self.refused(self.edit("approval-carol.sshsig", lambda _: self.desk.ssh_sign(
            b"something else", self.desk.private("carol"))), "carol broken")

    def test_envelope(self):
        def drop(text):
            envelope = json.loads(text)
            envelope["signatures"] *= 2
            return canonical(envelope) + b"\n"

        self.refused(self.edit("approval.dsse.json", drop), "not the envelope of the bundles beside it")

    def test_envelope_of_a_crash(self):
        """Killed between two files: the bundles count, and the release writes the envelope anew."""
        result = self.copy(self.signed)
        self.approve_all(result, "bob")
        whole = (result / "approval.dsse.json").read_bytes()
        (result / "approval.dsse.json").write_bytes((self.signed / "approval.dsse.json").read_bytes())
        self.says(self.desk.lazaret("approve", result, "--policy", self.policy), 0, "it lacks a signature", "bob counts")
        self.says(self.desk.release(result, self.policy), 0, "bob counts")
        self.assertEqual((result / "approval.dsse.json").read_bytes(), whole)

    def test_killed(self):
        """kill -9 at any moment leaves nothing that is broken, and nothing that stays in the way."""
        result = self.copy()
        for i in range(24):
            name = ("alice", "bob", "carol")[i % 3]
            process = subprocess.Popen([str(BUILD / "lazaret"), "approve", str(result), "--policy", str(self.policy),
                                        "--key", str(self.desk.private(name)), "--new"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(0.002 * i)
            process.kill()
            process.wait()
            said = self.says(self.desk.lazaret("approve", result, "--policy", self.policy), 0)
            self.assertNotIn("broken", said)
        self.says(self.desk.approve(result, self.policy, "alice", "--new"), 0)
        self.approve_all(result, "bob", "carol")
        self.says(self.desk.release(result, self.policy), 0)
        self.assertEqual([path.name for path in result.glob(".*")], [])

    def test_result(self):
        self.refused(self.edit("evaluation.json", lambda text: text.replace(b"444", b"445")), "does not verify")
        self.refused(self.edit("result.sigstore.json", lambda text: text.replace(b'"keyid":""', b'"keyid":"x"')),
                     "does not verify")


if __name__ == "__main__":
    unittest.main()
