/* SPDX-License-Identifier: Apache-2.0 */
/* How an evaluation and each of its checks ended, with the names that documents and exit statuses give them. */
#ifndef LAZARET_HOST_ATTEST_OUTCOME_H
#define LAZARET_HOST_ATTEST_OUTCOME_H

#include <stdbool.h>

enum outcome {
    OUTCOME_PASSED,
    OUTCOME_REJECTED,
    OUTCOME_NEEDS_REVIEW,
    OUTCOME_COULD_NOT_EVALUATE,
    OUTCOME_REJECTED_BEFORE_BOOT,
    OUTCOME_COUNT
};

enum check_status {
    CHECK_PASSED,
    CHECK_FAILED,
    CHECK_WARNED,  /* looked at, but not fully */
    CHECK_SKIPPED, /* not looked at, for a reason known beforehand */
    CHECK_ERROR,   /* not looked at, as something went wrong */
    CHECK_STATUS_COUNT
};

/* NULL-ended, indexed by the enums: "passed", "rejected", "needs-review", …; "passed", "failed", … */
extern const char *const outcome_names[OUTCOME_COUNT + 1];
extern const char *const check_status_names[CHECK_STATUS_COUNT + 1];

/* The word of in-toto's test-result predicate: PASSED, WARNED or FAILED. */
const char *outcome_test_result(enum outcome outcome);

/* 0 passed, 1 rejected, 2 needs review, 3 could not evaluate. */
int outcome_exit_status(enum outcome outcome);

/* Whether an evaluation.json stands behind the outcome. */
bool outcome_has_evaluation(enum outcome outcome);

#endif
