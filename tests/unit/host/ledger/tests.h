/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of host/ledger, one file a concern, and what they share. */
#ifndef LAZARET_TESTS_LEDGER_TESTS_H
#define LAZARET_TESTS_LEDGER_TESTS_H

#include "host/ledger/ledger.h"
#include "host/ledger/verify.h"
#include "unit/harness.h"

#include <limits.h>

#define TEST_ORIGIN "example.org/test-ledger"

/* A new folder with a ledger in it, by name below the folder of this run; its key's path as well. */
struct test_ledger {
    char path[PATH_MAX], key_path[PATH_MAX];
    struct ledger *ledger; /* opened to append */
    struct note_key key;
    struct ledger_trust trust; /* in that key alone */
};

/* Both end the program where they fail: nothing can be tested then. */
void test_start_folder(void);
void test_path(char ret_path[PATH_MAX], const char *name);
void test_make_ledger(struct test_ledger *ret_test, const char *name);
void test_append_leaves(const struct test_ledger *test, unsigned count);

void test_end_ledger(struct test_ledger *test);

/* Removes the folder and all below it. */
void test_end_folder(void);

/* The size of a file, and its content changed in one bit or written anew. */
size_t test_read_file(const char *path, void *ret_bytes, size_t size_max);
void test_write_file(const char *path, const void *bytes, size_t size);

/* Runs ledger_verify; returns its result. */
int test_verify(const struct test_ledger *test, struct ledger_verified *ret_verified, struct error *err);

extern const struct harness_test merkle_tests[], note_tests[], log_tests[], tamper_tests[], witness_tests[],
    audit_tests[];
extern const size_t merkle_test_count, note_test_count, log_test_count, tamper_test_count, witness_test_count,
    audit_test_count;

#endif
