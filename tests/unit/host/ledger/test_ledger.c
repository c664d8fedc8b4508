/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of host/ledger in one program. */
#include "unit/host/ledger/tests.h"

#include <string.h>

#define TESTS_MAX 64u

static size_t add(struct harness_test *all, size_t count, const struct harness_test *tests, size_t test_count)
{
    memcpy(all + count, tests, test_count * sizeof *tests);
    return count + test_count;
}

int main(void)
{
    struct harness_test all[TESTS_MAX];
    size_t count = 0;
    int status;

    count = add(all, count, merkle_tests, merkle_test_count);
    count = add(all, count, note_tests, note_test_count);
    count = add(all, count, log_tests, log_test_count);
    count = add(all, count, tamper_tests, tamper_test_count);
    count = add(all, count, witness_tests, witness_test_count);
    count = add(all, count, audit_tests, audit_test_count);
    test_start_folder();
    status = harness_run("host/ledger", all, count);
    test_end_folder();
    return status;
}
