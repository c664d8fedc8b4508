/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of host/policy, by file. */
#ifndef LAZARET_TESTS_UNIT_HOST_POLICY_TESTS_H
#define LAZARET_TESTS_UNIT_HOST_POLICY_TESTS_H

void test_verdict_digits(void);
void test_verdict_failures(void);
void test_verdict_gaps(void);
void test_verdict_conditions(void);
void test_verdict_tiers(void);
void test_verdict_bad_facts(void);
void test_verdict_status(void);

#endif
