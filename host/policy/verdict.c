/* SPDX-License-Identifier: Apache-2.0 */
/* Deciding on a whole evaluation. */
#include "host/policy/verdict.h"

#include "host/attest/text.h"
#include "host/json/field.h"
#include "host/policy/judge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum severity { SEVERITY_NOTE, SEVERITY_REVIEW, SEVERITY_REJECT, SEVERITY_COUNT };

/* Reasons as they come up; the verdict lists the worst first. */
struct findings {
    enum severity worst;
    size_t count;
    enum severity severities[STATEMENT_REASONS_MAX];
    struct verdict_basis bases[STATEMENT_REASONS_MAX];
    char *reasons[STATEMENT_REASONS_MAX]; /* owned */
};

static void drop_findings(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        free(findings->reasons[i]);
}

static const enum outcome outcomes[SEVERITY_COUNT] = {
    [SEVERITY_NOTE] = OUTCOME_PASSED, [SEVERITY_REVIEW] = OUTCOME_NEEDS_REVIEW, [SEVERITY_REJECT] = OUTCOME_REJECTED};

/* `check` is the index of the check that it is about; 0 for other causes. */
__attribute__((format(printf, 5, 6))) static int add(struct findings *findings, enum severity severity,
                                                     enum verdict_cause cause, size_t check, const char *format, ...)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(STATEMENT_REASON_MAX + 1);
    char text[2 * STATEMENT_REASON_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (severity > findings->worst)
        findings->worst = severity;
    if (findings->count == STATEMENT_REASONS_MAX)
        return 0;
    if (text_escape(text, STATEMENT_REASON_MAX, &shown) < 0 || buffer_append_u8(&shown, 0) < 0)
        return -ENOMEM;
    findings->severities[findings->count] = severity;
    findings->bases[findings->count] = (struct verdict_basis){cause, outcomes[severity], (unsigned)check};
    findings->reasons[findings->count++] = (char *)TAKE_POINTER(shown.data);
    return 0;
}

/* --- one check ------------------------------------------------------------------------------------- */

static const char *provenance_of(const json_t *check)
{
    static const char *const names[] = {"host", "host-scored", "guest"};
    const char *text = json_string_value(json_object_get(check, "provenance"));

    for (size_t i = 0; text != NULL && i < 3; i++)
        if (strcmp(text, names[i]) == 0)
            return names[i];
    return "guest"; /* the least that can be believed */
}

static enum severity severity_of(enum check_status status, bool may_be_skipped)
{
    switch (status) {
    case CHECK_PASSED:
        return SEVERITY_NOTE;
    case CHECK_FAILED:
        return SEVERITY_REJECT;
    case CHECK_SKIPPED:
        return may_be_skipped ? SEVERITY_NOTE : SEVERITY_REVIEW;
    case CHECK_WARNED:
    case CHECK_ERROR:
    case CHECK_STATUS_COUNT:
        break;
    }
    return SEVERITY_REVIEW;
}

/*
 * Whether the host itself had no way to run the check: no training set, trigger or reference model was given, or the
 * spec names no range. What was skipped on the guest's word is another thing: a guest that skips what could be looked
 * at may have something to hide. Of too few classes for neural-cleanse the host can tell by itself.
 */
static bool is_skipped_by_host(enum judge_id id, const json_t *check, const json_t *evaluation)
{
    const json_t *classes = json_object_get(evaluation, "classes");

    if (check == NULL)
        return false;
    if (id == JUDGE_NEURAL_CLEANSE && json_is_integer(classes) &&
        json_integer_value(classes) < POLICY_CLEANSE_CLASSES_MIN)
        return true;
    return strcmp(provenance_of(check), "host") == 0;
}

static const json_t *find_check(const json_t *checks, const char *id)
{
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        const char *text = json_string_value(json_object_get(check, "id"));

        if (text != NULL && strcmp(text, id) == 0)
            return check;
    }
    return NULL;
}

/* The check whose figures rest on the fewest samples. */
struct fewest {
    int64_t samples; /* -1: none yet */
    const char *id;
};

static int decide_check(const struct policy *policy, enum judge_id id, bool required, const json_t *evaluation,
                        struct findings *findings, struct fewest *fewest, struct verdict *verdict, struct error *err)
{
    const json_t *check = find_check(json_object_get(evaluation, "checks"), judge_ids[id]);
    bool may_be_skipped = !required && is_skipped_by_host(id, check, evaluation);
    struct verdict_check *entry = &verdict->checks[verdict->check_count];
    struct judgement judgement = {
        .status = CHECK_SKIPPED, .reason = "skipped: the evaluation does not hold it", .samples = -1};
    int r = 0;

    entry->id = judge_ids[id];
    entry->provenance = check != NULL ? provenance_of(check) : "host";
    if (check != NULL)
        r = judge_check(policy, id, check, &judgement, err);
    if (r < 0)
        return r;
    entry->status = judgement.status;
    verdict->check_count++;
    if (judgement.samples >= 0 && (fewest->samples < 0 || judgement.samples < fewest->samples))
        *fewest = (struct fewest){.samples = judgement.samples, .id = judge_ids[id]};
    if (judgement.status != CHECK_PASSED)
        r = add(findings, severity_of(judgement.status, may_be_skipped), VERDICT_CAUSE_CHECK, verdict->check_count - 1,
                "%s: %s", judge_ids[id], judgement.reason);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no memory for the verdict") : 0;
}

static int decide_checks(const struct policy *policy, const json_t *evaluation, struct findings *findings,
                         struct verdict *verdict, struct error *err)
{
    struct fewest fewest = {.samples = -1};
    int r = 0;

    for (unsigned id = 0; r == 0 && id < JUDGE_ID_COUNT; id++) {
        const struct judge_terms terms = judge_terms_of(policy, (enum judge_id)id);

        if (terms.present)
            r = decide_check(policy, (enum judge_id)id, terms.required, evaluation, findings, &fewest, verdict, err);
    }
    if (r < 0 || fewest.samples < 0 || fewest.samples >= (int64_t)policy->minimum_samples)
        return r;
    /* Said once: the checks are of the same test set. */
    r = add(findings, SEVERITY_REVIEW, VERDICT_CAUSE_SAMPLES, 0,
            "%s: %" PRId64 " samples, fewer than the policy's minimum of %u", fewest.id, fewest.samples,
            policy->minimum_samples);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no memory for the verdict") : 0;
}

/* --- the whole ------------------------------------------------------------------------------------- */

static int decide_conditions(const struct policy *policy, const char *arithmetic, enum statement_isolation isolation,
                             enum statement_acceleration acceleration, struct findings *findings)
{
    const unsigned isolations[] = {0, POLICY_ALLOW_MICROVM, POLICY_ALLOW_PROCESS};
    const unsigned accelerations[] = {0, POLICY_ALLOW_KVM, POLICY_ALLOW_TCG};
    int r = 0;

    if (strcmp(arithmetic, policy_arithmetic_names[policy->arithmetic]) != 0)
        r = add(findings, SEVERITY_REVIEW, VERDICT_CAUSE_CONDITIONS, 0,
                "evaluated in %.16s arithmetic; the policy demands %s", arithmetic,
                policy_arithmetic_names[policy->arithmetic]);
    if (r == 0 && (policy->isolation & isolations[isolation]) == 0)
        r = add(findings, SEVERITY_REVIEW, VERDICT_CAUSE_CONDITIONS, 0,
                "isolation '%s' is not among those the policy allows", statement_isolation_names[isolation]);
    if (r == 0 && isolation == STATEMENT_MICROVM && (policy->acceleration & accelerations[acceleration]) == 0)
        r = add(findings, SEVERITY_REVIEW, VERDICT_CAUSE_CONDITIONS, 0,
                "acceleration '%s' is not among those the policy allows", statement_acceleration_names[acceleration]);
    if (r == 0 && policy->tier != POLICY_LOW)
        r = add(findings, SEVERITY_REVIEW, VERDICT_CAUSE_TIER, 0,
                "the %s tier passes by release after review, never by itself", policy_tier_names[policy->tier]);
    return r;
}

/* Moves the reasons over, worst first. */
static void finish(struct findings *findings, struct verdict *verdict)
{
    verdict->outcome = outcomes[findings->worst];
    for (unsigned severity = SEVERITY_COUNT; severity-- > 0;)
        for (size_t i = 0; i < findings->count; i++)
            if (findings->severities[i] == severity) {
                verdict->bases[verdict->reason_count] = findings->bases[i];
                verdict->reasons[verdict->reason_count++] = TAKE_POINTER(findings->reasons[i]);
            }
}

int verdict_decide(const struct policy *policy, const json_t *evaluation, enum statement_isolation isolation,
                   enum statement_acceleration acceleration, struct verdict *ret_verdict, struct error *err)
{
    CLEANUP(drop_findings) struct findings findings = {0};
    struct verdict verdict = {0};
    const char *arithmetic;
    json_t *checks;
    int r = field_string(evaluation, "evaluation", "arithmetic", STATEMENT_WORD_MAX, &arithmetic, err);

    if (r == 0)
        r = field_array(evaluation, "evaluation", "checks", &checks, err);
    if (r == 0)
        r = decide_checks(policy, evaluation, &findings, &verdict, err);
    if (r < 0)
        return r;
    if (decide_conditions(policy, arithmetic, isolation, acceleration, &findings) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the verdict");
    finish(&findings, &verdict);
    *ret_verdict = verdict;
    return 0;
}

void verdict_free(struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->reason_count; i++)
        free(verdict->reasons[i]);
    verdict->reason_count = 0;
}
