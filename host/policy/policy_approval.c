/* SPDX-License-Identifier: Apache-2.0 */
/* `approval:` of the document into the policy: who may sign off, up to which tier, and how many it takes. */
#include "host/policy/take.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_DAYS 90u

/* Medium: one peer. High: experts, in the plural (DESIGN, section 8). */
static const unsigned fewest[POLICY_TIER_COUNT] = {[POLICY_LOW] = 0, [POLICY_MEDIUM] = 1, [POLICY_HIGH] = 2};

unsigned policy_fewest_sign_offs(enum policy_tier tier)
{
    return fewest[tier];
}

const struct policy_reviewer *policy_find_reviewer(const struct policy *policy, const char *name)
{
    for (unsigned i = 0; i < policy->approval.reviewer_count; i++)
        if (strcmp(policy->approval.reviewers[i].name, name) == 0)
            return &policy->approval.reviewers[i];
    return NULL;
}

/* A ring with reviewers in it must have this one; without any, the keys are in a file of their own. */
static int check_key(const struct keyring *ring, const char *name, const char *where, struct error *err)
{
    const struct keyring_key *key = keyring_find_name(ring, name);
    bool has_reviewers = false;

    for (unsigned i = 0; i < ring->count; i++)
        has_reviewers |= (ring->keys[i].use & KEYRING_REVIEWER) != 0;
    if (!has_reviewers || (key != NULL && (key->use & KEYRING_REVIEWER) != 0))
        return 0;
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: %s is the name of no key in `keys` with use: [reviewer]",
                     where, name);
}

static int take_reviewer(const struct document_reviewer *from, unsigned index, struct policy *policy, struct error *err)
{
    struct policy_reviewer *to = &policy->approval.reviewers[index];
    char where[64];
    int r;

    (void)snprintf(where, sizeof where, "approval.reviewers[%u]", index);
    if (policy_find_reviewer(policy, from->name) != NULL)
        return take_refuse(err, where, "a name used before; a reviewer counts once");
    r = check_key(&policy->keyring, from->name, where, err);
    if (r < 0)
        return r;
    (void)snprintf(to->name, sizeof to->name, "%s", from->name);
    to->tier = from->tier;
    policy->approval.reviewer_count = index + 1;
    return 0;
}

int take_approval(const struct document_approval *from, struct policy *policy, struct error *err)
{
    struct policy_approval *to = &policy->approval;
    unsigned able = 0;
    int r = 0;

    to->required = policy_fewest_sign_offs(policy->tier);
    to->days = DEFAULT_DAYS;
    if (from == NULL)
        return 0;
    const struct take_number numbers[] = {
        {"approval.required", from->required, policy_fewest_sign_offs(policy->tier), POLICY_REVIEWERS_MAX,
         &to->required},
        {"approval.days", from->days != NULL ? *from->days : DEFAULT_DAYS, 1, POLICY_DAYS_MAX, &to->days},
    };
    to->present = true;
    r = take_numbers(numbers, TAKE_COUNT(numbers), err);
    for (unsigned i = 0; r == 0 && i < from->reviewers_count; i++)
        r = take_reviewer(&from->reviewers[i], i, policy, err);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < to->reviewer_count; i++)
        able += to->reviewers[i].tier >= policy->tier;
    if (able < to->required)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "approval: %u sign-offs required, but only %u of the reviewers may approve at the %s tier",
                         to->required, able, policy_tier_names[policy->tier]);
    return 0;
}
