/* SPDX-License-Identifier: Apache-2.0 */
/* A verified result, as sign-offs and a release look at it: what they are about, and the verdict under their policy. */
#ifndef LAZARET_HOST_APPROVE_RESULT_H
#define LAZARET_HOST_APPROVE_RESULT_H

#include "host/approve/document.h"
#include "host/policy/verdict.h"

#include <stdbool.h>

struct approve_result {
    json_t *statement; /* owned */
    struct document_target target;
    bool own_policy;        /* the result was made under this policy */
    enum outcome outcome;   /* signed */
    bool has_verdict;       /* false where nothing was evaluated */
    struct verdict verdict; /* under the policy */
};

/*
 * Reads what is needed of an output directory of which verify_run() has found that it holds; `statement` has the bytes
 * signed. ERROR_MISMATCH where a file is not the one that was signed for.
 */
MUST_USE int approve_result_read(const char *directory, const struct buffer *statement, const struct policy *policy,
                                 struct approve_result *ret_result, struct error *err);

void approve_result_free(struct approve_result *result);

#define CLEANUP_APPROVE_RESULT CLEANUP(approve_result_free)

#endif
