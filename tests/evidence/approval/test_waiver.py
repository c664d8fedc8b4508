# SPDX-License-Identifier: Apache-2.0
"""Waivers: named, expiring and signed, for a check that gave no clear answer, and for nothing else."""
import json
import unittest

from case import Case, extension
from desk import canonical, day, moment, payload_of

CHECK = "activation-clustering"
FILE = f"waiver-{CHECK}.sigstore.json"
WAIVER = "https://lazaret.dev/waiver/v1"


class Waivers(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gap_policy = cls.desk.policy("medium", required=1, clustering="true", name="gap.yaml")
        cls.gap = cls.desk.result(cls.gap_policy, "gap")  # without --train: the check is skipped
        cls.desk.approve(cls.gap, cls.gap_policy, "alice")

    def waived(self):
        result = self.copy(self.gap)
        self.says(self.desk.waive(result, self.gap_policy, CHECK), 0, f"{FILE}: signed by wanda")
        return result

    def put(self, result, change, by="wanda", name=FILE):
        """The waiver that the program makes, changed and signed by hand."""
        document = json.loads(payload_of(self.waived() / FILE))
        change(document)
        (result / name).write_bytes(self.desk.bundle(canonical(document), by))

    def test_skipped_check(self):
        result = self.copy(self.gap)
        self.says(self.desk.release(result, self.gap_policy), 2, f"a waiver of {CHECK} (skipped: there is no training set")
        result = self.waived()
        self.says(self.desk.release(result, self.gap_policy), 0, f"{CHECK} by wanda counts", "known, and harmless here")
        self.says(self.desk.check(result, self.gap_policy), 0, "waivers: 1")
        release = json.loads(payload_of(result / "release.sigstore.json"))
        named = extension(release, "https://lazaret.dev/release/v1")["waivers"]
        self.assertEqual([(entry["by"], entry["check"]) for entry in named], [("wanda", CHECK)])

    def test_waived_already(self):
        """Another would take the place of the file that a release may rest on."""
        result = self.waived()
        before = (result / FILE).read_bytes()
        self.says(self.desk.waive(result, self.gap_policy, CHECK), 64, "waived already", "by wanda")
        self.assertEqual((result / FILE).read_bytes(), before)

    def test_endless(self):
        """A waiver expires; one that ends in another age does not."""
        result = self.copy(self.gap)
        for end in ("9999-12-31", day(3660), day(-1), "tomorrow"):
            self.says(self.desk.waive(result, self.gap_policy, CHECK, expires=end), 64, f"--expires {end}")
        self.assertFalse((result / FILE).exists())

    def test_refused_at_once(self):
        result = self.copy(self.gap)
        self.says(self.desk.waive(result, self.gap_policy, "pgd"), 64, "needs no waiver")
        self.says(self.desk.waive(result, self.gap_policy, "nonsense"), 64, "needs no waiver")
        self.says(self.desk.waive(result, self.gap_policy, CHECK, by="alice"), 65, "use: [waiver]")
        self.says(self.desk.waive(result, self.gap_policy, CHECK, by="mallory"), 65, "use: [waiver]")
        self.says(self.desk.waive(result, self.gap_policy, CHECK, expires=day(-1)), 64, "is over")
        self.says(self.desk.waive(result, self.gap_policy, CHECK, expires="soon"), 64, "--expires")
        self.says(self.desk.lazaret("waive", result, "--policy", self.gap_policy, "--check", CHECK, "--key",
                                    self.desk.private("wanda")), 64, "--reason, --expires")
        self.assertFalse((result / FILE).exists())

    def test_failed_check(self):
        policy = self.desk.policy("medium", required=1, accuracy=0.999)
        result = self.desk.result(policy, "failed")
        self.says(self.desk.waive(result, policy, "clean-accuracy"), 1, "which nobody can approve")
        self.says(self.desk.approve(result, policy, "alice"), 1, "which nobody can approve")

        # A waiver made elsewhere does not help either.
        self.put(result, lambda document: extension(document, WAIVER).update(check="clean-accuracy"),
                 name="waiver-clean-accuracy.sigstore.json")
        self.says(self.desk.release(result, policy), 1, "which nobody can approve")

    def test_expired(self):
        def change(document):
            document["predicate"]["timeCreated"] = moment(-7200)
            extension(document, WAIVER)["validUntil"] = moment(-3600)

        result = self.copy(self.gap)
        self.put(result, change)
        self.says(self.desk.release(result, self.gap_policy), 2, "the one there is expired at")

    def test_another_check(self):
        result = self.waived()
        (result / FILE).rename(result / "waiver-pgd.sigstore.json")
        self.says(self.desk.release(result, self.gap_policy), 4, f"waives {CHECK}, and not pgd")

    def test_another_result(self):
        other = self.desk.result(self.gap_policy, "gap-bd15", model="bd15.onnx")
        self.says(self.desk.waive(other, self.gap_policy, CHECK), 0)
        result = self.copy(self.gap)
        (result / FILE).write_bytes((other / FILE).read_bytes())
        self.says(self.desk.release(result, self.gap_policy), 2, "of another result")

    def test_by_whom(self):
        result = self.copy(self.gap)
        self.put(result, lambda document: None, by="mallory")
        self.says(self.desk.release(result, self.gap_policy), 2, "not among the trusted keys")
        self.put(result, lambda document: None, by="bob")
        self.says(self.desk.release(result, self.gap_policy), 2, "its use lacks waiver")
        self.put(result, lambda document: extension(document, WAIVER).update(by="alice"))
        self.says(self.desk.release(result, self.gap_policy), 4, "says it is by alice, but is signed by wanda")

    def test_unsigned(self):
        result = self.waived()
        bundle = json.loads((result / FILE).read_text())
        bundle["dsseEnvelope"]["signatures"] = []
        (result / FILE).write_bytes(canonical(bundle) + b"\n")
        self.says(self.desk.release(result, self.gap_policy), 4, "exactly 1 expected, not 0")
        bundle["dsseEnvelope"]["signatures"] = [{"sig": "MEUCIQ==", "keyid": ""}]
        (result / FILE).write_bytes(canonical(bundle) + b"\n")
        self.says(self.desk.release(result, self.gap_policy), 4, "not this key's signature")

    def test_not_a_waiver(self):
        """A sign-off by a key that may waive is none."""
        result = self.copy(self.gap)
        (result / FILE).write_bytes(self.desk.bundle((result / "approval.json").read_bytes(), "wanda"))
        self.says(self.desk.release(result, self.gap_policy), 4, "X_CHECK_WAIVED alone expected")

    def test_a_waiver_is_no_sign_off(self):
        result = self.waived()
        policy = self.gap_policy.read_text().replace("required: 1\n  reviewers", "required: 2\n  reviewers")
        self.gap_policy.with_name("two.yaml").write_text(policy)
        self.says(self.desk.release(result, self.gap_policy.with_name("two.yaml")), 2, "of 2 sign-offs")

    def test_nobody_can_make_up_for_it(self):
        policy = self.desk.policy("medium", required=1)
        policy.write_text(policy.read_text().replace("minimumSamples: 200", "minimumSamples: 1000"))
        result = self.desk.result(policy, "few")
        self.approve_all(result, "alice", policy=policy)
        self.says(self.desk.release(result, policy), 2, "another evaluation, as nobody can make up for this", "450 samples")
        self.says(self.desk.waive(result, policy, "clean-accuracy"), 64, "needs no waiver")


if __name__ == "__main__":
    unittest.main()
