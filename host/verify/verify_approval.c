/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-offs, waivers and the release beside a result, under the auditor's policy and keys. */
#include "host/verify/internal.h"

#include "host/approve/release.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The auditor's policy, or the result's own where it is as it was signed for; NULL where there is none. */
static const struct policy *find_policy(const struct verify *verify, struct policy *own)
{
    uint8_t expected[SHA256_SIZE];
    char path[PATH_MAX];

    if (verify->policy != NULL)
        return verify->policy;
    if (snprintf(path, sizeof path, "%s/" STATEMENT_POLICY, verify->directory) >= PATH_MAX ||
        policy_load(path, own, NULL) < 0 ||
        statement_find_resource(verify_configuration(verify), STATEMENT_POLICY, expected) < 0 ||
        memcmp(expected, own->sha256, SHA256_SIZE) != 0)
        return NULL;
    return own;
}

static void add_line(struct verify *verify, const struct review_line *line)
{
    static const enum verify_state states[REVIEW_STATE_COUNT] = {[REVIEW_COUNTS] = VERIFY_HOLDS,
                                                                 [REVIEW_IGNORED] = VERIFY_NOT_CHECKED,
                                                                 [REVIEW_FOREIGN] = VERIFY_MISMATCH,
                                                                 [REVIEW_BROKEN] = VERIFY_MISMATCH};
    const struct document_support *support = &line->support;

    verify_add(verify, VERIFY_VERDICT, states[line->state], line->is_waiver ? "waiver" : "sign-off", "%s%s%s: %s%s",
               support->file, support->by[0] != '\0' ? ", by " : "", support->by,
               line->state == REVIEW_IGNORED ? "does not count: " : "", line->detail);
}

static void add_release(struct verify *verify, const struct policy *policy, const struct release_report *report)
{
    switch (report->state) {
    case RELEASE_HOLDS:
        verify_add(verify, VERIFY_VERDICT, VERIFY_HOLDS, "release", "released for the %s tier: %s",
                   policy_tier_names[policy->tier], report->detail);
        return;
    case RELEASE_EXPIRED:
    case RELEASE_MISMATCH:
        verify_add(verify, VERIFY_VERDICT, VERIFY_MISMATCH, "release", "%s", report->detail);
        return;
    case RELEASE_ABSENT:
    case RELEASE_STATE_COUNT:
        break;
    }
    if (policy->tier != POLICY_LOW || report->review.line_count > 0)
        verify_add(verify, VERIFY_VERDICT, VERIFY_NOT_CHECKED, "release", "there is none, and the %s tier %s",
                   policy_tier_names[policy->tier],
                   policy->tier == POLICY_LOW ? "needs none" : "passes by release only");
}

static int check(struct verify *verify, const struct policy *policy, struct release_report *report, struct error *err)
{
    static const struct keyring none; /* nothing was added that a key would have to judge */
    CLEANUP_APPROVE_RESULT struct approve_result result = {0};
    struct review_request request = {.directory = verify->directory,
                                     .target = &result.target,
                                     .policy = policy,
                                     .ring = verify->trusted != NULL ? verify->trusted : &none,
                                     .when = time(NULL)};
    struct error cause = {0};
    int r = approve_result_read(verify->directory, &verify->report->statement, policy, &result, &cause);

    if (r < 0 && cause.kind == ERROR_UNAVAILABLE)
        return error_set(err, cause.kind, r, "%s", cause.text);
    if (r < 0) { /* that something is amiss stands in a row of its own */
        verify_add(verify, VERIFY_VERDICT, VERIFY_NOT_CHECKED, "release", "%s", cause.text);
        return 0;
    }
    r = release_verify(&request, &result, verify->listed == NULL ? verify->key : NULL, report, err);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < report->review.line_count; i++)
        add_line(verify, &report->review.lines[i]);
    add_release(verify, policy, report);
    return 0;
}

/* Whether anybody has added anything, and whether there are keys to judge it by. */
static bool is_there(const struct verify *verify, struct folder_list *list)
{
    char path[PATH_MAX];

    return (folder_list(verify->directory, list, NULL) == 0 && list->count > 0) ||
           (snprintf(path, sizeof path, "%s/" FOLDER_RELEASE, verify->directory) < PATH_MAX && access(path, F_OK) == 0);
}

static bool has_reviewers(const struct keyring *ring)
{
    for (unsigned i = 0; ring != NULL && i < ring->count; i++)
        if ((ring->keys[i].use & (KEYRING_REVIEWER | KEYRING_WAIVER)) != 0)
            return true;
    return false;
}

int verify_approval(struct verify *verify, struct error *err)
{
    CLEANUP_FREE struct folder_list *list = malloc(sizeof *list);
    CLEANUP_FREE struct release_report *report = calloc(1, sizeof *report);
    CLEANUP_FREE struct policy *own = calloc(1, sizeof *own);
    const struct policy *policy;

    if (verify->directory == NULL || verify->request->only_result)
        return 0;
    if (report == NULL || own == NULL || list == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the sign-offs");
    if (!has_reviewers(verify->trusted) && is_there(verify, list)) {
        verify_add(verify, VERIFY_VERDICT, VERIFY_NOT_CHECKED, "release",
                   "give the reviewers' keys with --keys, or a --policy that lists them");
        return 0;
    }
    policy = find_policy(verify, own);
    return policy != NULL ? check(verify, policy, report, err) : 0;
}
