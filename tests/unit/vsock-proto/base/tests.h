/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of base, by file. */
#ifndef LAZARET_TESTS_UNIT_BASE_TESTS_H
#define LAZARET_TESTS_UNIT_BASE_TESTS_H

void test_child_ended_before(void);
void test_child_ends(void);
void test_child_killed(void);
void test_child_without_deadline(void);
void test_file_own(void);
void test_file_digest_is_bounded(void);
void test_library(void);
void test_lock(void);
void test_program_ends(void);
void test_program_gets(void);
void test_time_text_agrees_with_libc(void);
void test_time_text_forms(void);

#endif
