/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of host/attest, by file. */
#ifndef LAZARET_TESTS_UNIT_HOST_ATTEST_TESTS_H
#define LAZARET_TESTS_UNIT_HOST_ATTEST_TESTS_H

void test_bundle_form(void);
void test_bundle_evidence(void);
void test_bundle_refusals(void);
void test_envelope(void);
void test_bundle_changed_bits(void);
void test_statement_form(void);
void test_statement_texts(void);
void test_statement_ledger(void);
void test_statement_provenance(void);
void test_statement_source(void);
void test_statement_contradictions(void);
void test_statement_schema(void);
void test_statement_outcomes(void);
void test_replay_equal(void);
void test_replay_differences(void);
void test_replay_checks(void);

#endif
