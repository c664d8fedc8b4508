/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of host/policy, by file. */
#ifndef LAZARET_TESTS_UNIT_HOST_POLICY_TESTS_H
#define LAZARET_TESTS_UNIT_HOST_POLICY_TESTS_H

void test_keyring_reads(void);
void test_keyring_node(void);
void test_keyring_ssh(void);
void test_keyring_judges(void);
void test_keyring_refuses(void);
void test_keyring_many(void);
void test_keyring_bounds(void);
void test_keyring_in_policy(void);

void test_approval_defaults(void);
void test_approval_section(void);
void test_approval_refused(void);

void test_provenance_section(void);
void test_provenance_refused(void);

void test_verdict_bases(void);
void test_verdict_digits(void);
void test_verdict_failures(void);
void test_verdict_gaps(void);
void test_verdict_conditions(void);
void test_verdict_bad_facts(void);
void test_verdict_status(void);

void test_verdict_robustness(void);
void test_verdict_masking(void);
void test_verdict_file_scan(void);
void test_verdict_scan(void);
void test_verdict_cleanse(void);
void test_verdict_reports(void);
void test_verdict_skips(void);
void test_verdict_tiers(void);

#endif
