/* SPDX-License-Identifier: Apache-2.0 */
/* A CUnit program in one call: a table of tests, a summary, and an exit status ctest understands. */
#ifndef LAZARET_TESTS_UNIT_HARNESS_H
#define LAZARET_TESTS_UNIT_HARNESS_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stddef.h>

#define HARNESS_SKIPPED 77 /* ctest reports the program as skipped */

struct harness_test {
    const char *name;
    CU_TestFunc run;
};

/* Runs the tests as one suite. 0 when all passed, 1 otherwise. */
static inline int harness_run(const char *suite_name, const struct harness_test *tests, size_t count)
{
    CU_pSuite suite;
    unsigned failures;

    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    suite = CU_add_suite(suite_name, NULL, NULL);
    if (suite == NULL)
        return 1;
    for (size_t i = 0; i < count; i++)
        if (CU_add_test(suite, tests[i].name, tests[i].run) == NULL)
            return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    if (CU_basic_run_tests() != CUE_SUCCESS)
        return 1;
    failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures == 0 ? 0 : 1;
}

#define HARNESS_COUNT(tests) (sizeof(tests) / sizeof((tests)[0]))

#endif
