# SPDX-License-Identifier: Apache-2.0
"""Releases: written only where everything agrees, and checked again with all that they rest on."""
import json
import shutil
import unittest

from case import Case, extension
from desk import canonical, day, moment, payload_of, released_result

RELEASE = "https://lazaret.dev/release/v1"
FILE = "release.sigstore.json"


class Tiers(Case):
    def test_low_passes_by_itself(self):
        policy = self.desk.policy("low", reviewers={})
        result = self.desk.result(policy, "low")
        self.says(self.desk.release(result, policy), 0, "released:")
        self.says(self.desk.check(result, policy), 0, "sign-offs: 0")

    def test_high_takes_two(self):
        self.says(self.desk.release(self.plain, self.desk.policy("high", required=1)), 65, "approval.required")
        policy = self.desk.policy("high", required=2)
        result = self.desk.result(policy, "high")
        self.approve_all(result, "alice", policy=policy)
        self.says(self.desk.release(result, policy), 2, "1 of 2 sign-offs")
        self.approve_all(result, "dora", policy=policy)
        self.says(self.desk.release(result, policy), 0)

    def test_without_reviewers(self):
        policy = self.desk.policy("medium", reviewers={})
        result = self.desk.result(policy, "nobody")
        self.says(self.desk.release(result, policy), 2, "the policy has no `approval:`")

    def test_under_another_policy(self):
        """A policy that the result was not made under has to be named by a sign-off."""
        low = self.desk.policy("low", reviewers={})
        result = self.copy()
        self.says(self.desk.release(result, low), 2, "a sign-off that names this policy")
        strict = self.desk.policy("medium", required=1, accuracy=0.999)
        self.says(self.desk.release(result, strict), 1, "under", "which nobody can approve")
        other = self.desk.policy("medium", required=1, days=3)
        self.approve_all(result, "bob", policy=other)
        self.says(self.desk.release(result, other), 0, "made under another policy")

    def add(self, policy, text):
        """The policy with more in it."""
        policy.write_text(text + policy.read_text())
        return policy

    def test_of_unknown_origin(self):
        """What a policy would not have let boot, it does not release."""
        for section, lacks in (("required: true", "the model's own signature"),
                               ("required: false, source: true", "the model's source")):
            strict = self.add(self.desk.policy("medium", required=1), f"provenance: {{{section}}}\n")
            result = self.copy()
            self.says(self.desk.approve(result, strict, "alice"), 1, "rejected-before-boot", lacks)
            self.says(self.desk.release(result, strict), 1, "which nobody can approve")
            self.assertFalse((result / FILE).exists())

    def test_with_ledger(self):
        """A policy that requires a ledger wants the result's entry verified, by a key that the user gives."""
        policy = self.add(self.desk.policy("medium", required=1), "ledger: {required: true}\n")
        log = self.folder / "log"
        self.says(self.desk.lazaret("ledger", "init", log, "--origin", "example.org/log"), 0)
        result = self.desk.result(policy, "logged", extra=("--ledger", log))
        trust = ("--ledger-key", log / "vkey")
        self.says(self.desk.approve(result, policy, "alice"), 4, "--ledger-key")
        self.says(self.desk.approve(result, policy, "alice", *trust), 0, "signed by alice")
        self.says(self.desk.release(result, policy, *trust), 0, "released:")
        self.says(self.desk.check(result, policy, *trust), 0, "sign-offs: 1")
        self.says(self.desk.approve(self.copy(), policy, "alice", *trust), 4, "the result has no ledger entry")

    def test_rejected(self):
        policy = self.desk.policy("medium", required=1, accuracy=0.999)
        result = self.desk.result(policy, "rejected")
        self.says(self.desk.approve(result, policy, "alice"), 1, "'rejected', which nobody can approve")
        self.says(self.desk.release(result, policy), 1, "'rejected', which nobody can approve")
        self.assertFalse((result / FILE).exists())


class Checking(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.folder / "more").mkdir()
        cls.desk, cls.policy, cls.released = released_result(cls.folder / "more")

    def report(self, result):
        """What the report that is written again says of sign-offs."""
        made = self.desk.lazaret("report", result, "--key", self.desk.folder / "station.pub.pem", "-o", "-")
        self.assertEqual(made.returncode, 0, made.stderr)
        return made.stdout.split('id="sign-offs"', 1)[1].split("</section>", 1)[0]

    def test_report(self):
        """It has the release, and says where that does not hold any more."""
        section = self.report(self.released)
        self.assertIn("the release", section)
        self.assertIn("released", section)
        self.assertNotIn("What stands against a release", section)
        result = self.copy(self.released)
        (result / "approval-alice.sigstore.json").unlink()
        section = self.report(result)
        self.assertIn("broken", section)
        self.assertIn("approval-alice.sigstore.json by alice, which is not there", section)

    def refused(self, change, *words, policy=None):
        result = self.copy(self.released)
        change(result)
        self.says(self.desk.check(result, policy or self.policy), 4, *words)

    def by_hand(self, change, by="station"):
        def put(result):
            document = json.loads(payload_of(result / FILE))
            change(document)
            (result / FILE).write_bytes(self.desk.bundle(canonical(document), by))
        return put

    def test_whole(self):
        self.says(self.desk.check(self.released, self.policy), 0, "alice counts", "carol counts", "wanda counts")
        self.says(self.desk.check(self.released, self.policy, "--key", self.desk.folder / "station.pub.pem"), 0)
        self.says(self.desk.check(self.released, self.policy, "--key", self.desk.folder / "bob.pub.pem"), 4)

    def test_the_auditors_program(self):
        """lazaret-verify shows who signed off and what was waived, and demands a release that holds."""
        said = self.says(self.desk.verify(self.released, "--policy", self.policy, "--require", "release"), 0,
                         "by alice: until", "by carol: until", "by wanda: until", "known, and harmless here",
                         "released for the medium tier")
        self.assertNotIn("not covered by the signature\n  · not checked approval", said)
        self.says(self.desk.verify(self.released, "--key", self.desk.folder / "station.pub.pem"), 0,
                  "give the reviewers' keys")
        self.says(self.desk.verify(self.released, "--key", self.desk.folder / "station.pub.pem", "--require", "release"), 4)
        unreleased = self.copy(self.released)
        (unreleased / FILE).unlink()
        self.says(self.desk.verify(unreleased, "--policy", self.policy), 0, "by alice: until", "passes by release only")
        self.says(self.desk.verify(unreleased, "--policy", self.policy, "--require", "release"), 4)
        exchanged = self.copy(self.released)
        (exchanged / "approval-carol.sshsig").unlink()
        self.says(self.desk.verify(exchanged, "--policy", self.policy), 4, "approval-carol.sshsig")
        foreign = self.desk.result(self.policy, "foreign", model="bd15.onnx")
        for path in self.released.glob("approval*"):
            shutil.copy(path, foreign / path.name)
        self.says(self.desk.verify(foreign, "--policy", self.policy), 4, "of another result")

    def test_absent(self):
        result = self.copy(self.released)
        (result / FILE).unlink()
        self.says(self.desk.check(result, self.policy), 66, "there is no")

    def test_what_it_rests_on(self):
        for name in ("approval-alice.sigstore.json", "approval-carol.sshsig"):
            self.refused(lambda result, name=name: (result / name).unlink(), name, "not there as it was")
        self.refused(lambda result: (result / "waiver-activation-clustering.sigstore.json").unlink(), "wanda")
        self.refused(lambda result: (result / "approval.json").unlink(), "not there as it was")

    def test_signed_again(self):
        """Another signature of alice's, as good as the first, is not the one that was released."""
        def change(result):
            (result / "approval.dsse.json").unlink()
            (result / "approval-alice.sigstore.json").write_bytes(
                self.desk.bundle((result / "approval.json").read_bytes(), "alice"))

        self.refused(change, "approval-alice.sigstore.json", "not there as it was")

    def test_signature(self):
        def flip(result):
            bundle = json.loads((result / FILE).read_text())
            payload = bundle["dsseEnvelope"]["payload"]
            bundle["dsseEnvelope"]["payload"] = payload[:40] + ("A" if payload[40] != "A" else "B") + payload[41:]
            (result / FILE).write_bytes(canonical(bundle) + b"\n")

        self.refused(flip, FILE)
        self.refused(self.by_hand(lambda document: None, by="mallory"), "not among the trusted keys")
        self.refused(self.by_hand(lambda document: None, by="alice"), "not among the trusted keys")

    def test_what_it_says(self):
        def fewer(document):
            extension(document, RELEASE)["signOffs"].pop()

        def one(document):
            fewer(document)
            extension(document, RELEASE)["required"] = 1

        def twice(document):
            entries = extension(document, RELEASE)["signOffs"]
            entries[1] = entries[0]

        self.refused(self.by_hand(fewer), "fewer than required")
        self.refused(self.by_hand(one), "says that 1 sign-offs were required; the policy requires 2")
        self.refused(self.by_hand(twice), "the same one twice")
        self.refused(self.by_hand(lambda d: extension(d, RELEASE).update(waivers=[])), "it lacks a waiver")
        self.refused(self.by_hand(lambda d: extension(d, RELEASE).update(tier="high")), "for the high tier")
        self.refused(self.by_hand(lambda d: extension(d, RELEASE).update(validUntil=day(900) + "T00:00:00Z")),
                     "it lasts longer than")
        self.refused(self.by_hand(lambda d: extension(d, RELEASE).update(statement="0" * 64)), "of another result")
        self.refused(self.by_hand(lambda d: d["subject"][1]["digest"].update(sha256="0" * 64)), "of another result")
        self.refused(self.by_hand(lambda d: d["predicate"].update(properties=["X_HUMAN_APPROVED"])), "X_RELEASED")
        self.refused(self.by_hand(lambda d: d["predicate"].update(timeCreated=moment(3600))), "not come yet")

    def test_expired(self):
        def change(document):
            document["predicate"]["timeCreated"] = moment(-1)
            extension(document, RELEASE)["validUntil"] = moment(0)

        result = self.copy(self.released)
        self.by_hand(change)(result)
        import time
        time.sleep(1.1)
        self.says(self.desk.check(result, self.policy), 4, "expired at")

    def test_another_results(self):
        other = self.desk.result(self.policy, "other", model="bd15.onnx")
        shutil.copy(self.released / FILE, other / FILE)
        self.says(self.desk.check(other, self.policy), 4, "of another result")

    def test_another_policy(self):
        other = self.desk.policy("medium", required=2, clustering="true", days=9)
        self.refused(lambda result: None, "under another policy", policy=other)

    def test_revoked_key(self):
        ring = self.desk.folder / "revoked.yaml"
        names = ["station", "wanda", "alice", "bob", "carol", "dora"]
        ring.write_text(self.desk.keyring(names, revoked=[(self.desk.fingerprint("alice"), day(-1))]))
        self.says(self.desk.check(self.released, self.policy, "--keys", ring), 4, "approval-alice")
        ring.write_text(self.desk.keyring(names, revoked=[(self.desk.fingerprint("alice"), day(2))]))
        self.says(self.desk.check(self.released, self.policy, "--keys", ring), 0)

    def test_wrong_key_to_release(self):
        self.says(self.desk.lazaret("release", self.released, "--policy", self.policy, "--key",
                                    self.desk.private("bob")), 65, "use: [result]")
        self.says(self.desk.lazaret("release", self.released, "--key", self.desk.private("station")), 64, "--policy")


if __name__ == "__main__":
    unittest.main()
