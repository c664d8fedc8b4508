/* SPDX-License-Identifier: Apache-2.0 */
/* Names and consequences of outcomes. */
#include "host/attest/outcome.h"

#include <stddef.h>

const char *const outcome_names[OUTCOME_COUNT + 1] = {
    [OUTCOME_PASSED] = "passed",
    [OUTCOME_REJECTED] = "rejected",
    [OUTCOME_NEEDS_REVIEW] = "needs-review",
    [OUTCOME_COULD_NOT_EVALUATE] = "could-not-evaluate",
    [OUTCOME_REJECTED_BEFORE_BOOT] = "rejected-before-boot",
    [OUTCOME_COUNT] = NULL,
};

const char *const check_status_names[CHECK_STATUS_COUNT + 1] = {
    [CHECK_PASSED] = "passed",   [CHECK_FAILED] = "failed", [CHECK_WARNED] = "warned",
    [CHECK_SKIPPED] = "skipped", [CHECK_ERROR] = "error",   [CHECK_STATUS_COUNT] = NULL,
};

const char *outcome_test_result(enum outcome outcome)
{
    if (outcome == OUTCOME_PASSED)
        return "PASSED";
    /* What could not be evaluated must not look acceptable to a reader that knows these three words only. */
    return outcome == OUTCOME_NEEDS_REVIEW ? "WARNED" : "FAILED";
}

int outcome_exit_status(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_PASSED:
        return 0;
    case OUTCOME_NEEDS_REVIEW:
        return 2;
    case OUTCOME_COULD_NOT_EVALUATE:
        return 3;
    case OUTCOME_REJECTED:
    case OUTCOME_REJECTED_BEFORE_BOOT:
    case OUTCOME_COUNT:
        break;
    }
    return 1;
}

bool outcome_has_evaluation(enum outcome outcome)
{
    return outcome == OUTCOME_PASSED || outcome == OUTCOME_REJECTED || outcome == OUTCOME_NEEDS_REVIEW;
}
