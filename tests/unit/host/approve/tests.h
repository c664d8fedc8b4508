/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of host/approve, by file. */
#ifndef LAZARET_TESTS_UNIT_HOST_APPROVE_TESTS_H
#define LAZARET_TESTS_UNIT_HOST_APPROVE_TESTS_H

void test_settle_reasons(void);
void test_settle_sign_offs(void);

#endif
