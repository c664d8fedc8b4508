/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of host/provenance, by the file that holds them. */
#ifndef LAZARET_TESTS_HOST_PROVENANCE_H
#define LAZARET_TESTS_HOST_PROVENANCE_H

void test_process_answers_and_dies(void);
void test_process_is_confined(void);
void test_process_requests_are_checked(void);
void test_content_parts(void);

#endif
