/* SPDX-License-Identifier: Apache-2.0 */
/* One check's facts under a policy, with the reason in words; shared by the files of the verdict. */
#ifndef LAZARET_HOST_POLICY_JUDGE_H
#define LAZARET_HOST_POLICY_JUDGE_H

#include "host/policy/verdict.h"

enum judge_id { JUDGE_CLEAN_ACCURACY, JUDGE_FGSM, JUDGE_ACTIVATION_CLUSTERING, JUDGE_ID_COUNT };

extern const char *const judge_ids[JUDGE_ID_COUNT + 1];

struct judgement {
    enum check_status status;
    char reason[STATEMENT_REASON_MAX + 1]; /* without the id; "" where passed */
    int64_t samples;                       /* that figures rest on; -1: not of this check */
};

MUST_USE int judge_check(const struct policy *policy, enum judge_id id, const json_t *check,
                         struct judgement *ret_judgement, struct error *err);

#endif
