/* SPDX-License-Identifier: Apache-2.0 */
/* What approve, waive and release share. */
#include "host/cli/review.h"

#include "base/io.h"
#include "base/time_text.h"
#include "host/approve/sign_off.h"
#include "host/cli/passphrase.h"
#include "host/job/locate.h"
#include "host/verify/verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECONDS_PER_DAY  86400
#define SIGN_DEADLINE_MS UINT64_C(60000) /* a token may be slow */

/* --- opening ---------------------------------------------------------------------------------------------- */

static int load_policy(struct cli_review *review, struct error *err)
{
    int r = 0;

    review->policy = calloc(1, sizeof *review->policy);
    if (review->policy == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the policy");
    if (review->policy_path != NULL)
        r = locate_policy(review->policy_path, review->policy_at, err);
    else if (snprintf(review->policy_at, sizeof review->policy_at, "%s/" STATEMENT_POLICY, review->directory) >=
             PATH_MAX)
        r = error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", review->directory);
    if (r == 0)
        r = policy_load(review->policy_at, review->policy, err);
    if (r < 0 || review->keys_path == NULL)
        return r;
    review->own_ring = calloc(1, sizeof *review->own_ring);
    return review->own_ring == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the keys")
                                    : keyring_load(review->keys_path, review->own_ring, err);
}

/* The first row that says so, as an error. */
static int demand_verified(const char *directory, const struct verify_report *report, struct error *err)
{
    for (size_t i = 0; i < report->item_count; i++)
        if (report->items[i].state == VERIFY_MISMATCH || report->items[i].state == VERIFY_MISSING)
            return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: the result does not verify: %s: %s", directory,
                             report->items[i].what, report->items[i].detail);
    return 0;
}

static int verify_result(struct cli_review *review, struct verify_report **ret_report, struct error *err)
{
    struct verify_request request = {.path = review->directory,
                                     .key_path = review->result_key_path,
                                     .keys_path = review->keys_path,
                                     .policy_path = review->policy_at,
                                     .only_result = true};
    int r = cli_trust_complete(&review->trust, err);

    cli_trust_lend(&review->trust, &request);
    if (r == 0)
        r = verify_run(&request, ret_report, err);
    if (r == -ENOKEY) /* in this command's own words */
        return error_set(
            err, ERROR_USAGE, r,
            "no key to trust the result by: give --result-key PUB.pem, or keys with use: [result] in --keys "
            "KEYS.yaml or the --policy");
    return r < 0 ? r : demand_verified(review->directory, *ret_report, err);
}

int cli_review_open(struct cli_review *review, struct error *err)
{
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    int r = load_policy(review, err);

    if (r == 0)
        r = verify_result(review, &report, err);
    if (r == 0)
        r = approve_result_read(review->directory, &report->statement, review->policy, &review->result, err);
    if (r < 0)
        return r;
    (void)snprintf(review->signer, sizeof review->signer, "%s", report->signer);
    review->request = (struct review_request){
        .directory = review->directory,
        .target = &review->result.target,
        .policy = review->policy,
        .ring = review->own_ring != NULL ? review->own_ring : &review->policy->keyring,
        .when = time(NULL),
    };
    return cli_review_collect(review, err);
}

int cli_review_take_end(const char *text, int64_t now, int64_t *ret_end, struct error *err)
{
    int64_t end;

    if (time_text_parse(text, &end) < 0)
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "--expires %s: a date as 2026-01-31, or a time as 2026-01-31T23:59:59Z, expected", text);
    if (end <= now)
        return error_set(err, ERROR_USAGE, -EINVAL, "--expires %s is over", text);
    if (end - now > (int64_t)POLICY_DAYS_MAX * SECONDS_PER_DAY)
        return error_set(err, ERROR_USAGE, -EINVAL, "--expires %s: more than %u days ahead", text, POLICY_DAYS_MAX);
    *ret_end = end;
    return 0;
}

int cli_review_collect(struct cli_review *review, struct error *err)
{
    if (review->review == NULL)
        review->review = calloc(1, sizeof *review->review);
    if (review->settled == NULL)
        review->settled = calloc(1, sizeof *review->settled);
    if (review->review == NULL || review->settled == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the sign-offs");
    int r = review_collect(&review->request, review->review, err);

    if (r == 0 && review->result.has_verdict)
        review_settle(&review->request, &review->result.verdict, review->result.own_policy, review->review,
                      review->settled);
    return r;
}

int cli_review_refuse(const struct cli_review *review)
{
    const struct approve_result *result = &review->result;
    enum outcome outcome = result->outcome;

    if (outcome != OUTCOME_PASSED && outcome != OUTCOME_NEEDS_REVIEW) {
        (void)fprintf(stderr, "lazaret: %s: the result is '%s', which nobody can approve\n", review->directory,
                      outcome_names[outcome]);
        return outcome_exit_status(outcome);
    }
    if (result->verdict.outcome == OUTCOME_PASSED || result->verdict.outcome == OUTCOME_NEEDS_REVIEW)
        return 0;
    (void)fprintf(stderr, "lazaret: %s: under %s the result is '%s', which nobody can approve: %s\n", review->directory,
                  review->policy_at, outcome_names[result->verdict.outcome],
                  result->verdict.reason_count > 0 ? result->verdict.reasons[0] : "");
    return outcome_exit_status(result->verdict.outcome);
}

/* --- printing --------------------------------------------------------------------------------------------- */

void cli_review_print_result(const struct cli_review *review)
{
    const json_t *extension = statement_get_extension(review->result.statement);
    const json_t *subjects = json_object_get(review->result.statement, "subject");
    const json_t *reasons = json_object_get(extension, "reasons");
    char hex[SHA256_HEX_SIZE];

    for (size_t i = 0; i < json_array_size(subjects); i++) {
        const json_t *subject = json_array_get(subjects, i);

        (void)printf("%-10s%s, sha256 %s\n", i == 0 ? "model:" : "",
                     json_string_value(json_object_get(subject, "name")),
                     json_string_value(json_object_get(json_object_get(subject, "digest"), "sha256")));
    }
    (void)printf("result:   %s, %s tier, finished %s%s%s\n", json_string_value(json_object_get(extension, "verdict")),
                 json_string_value(json_object_get(extension, "tier")),
                 json_string_value(json_object_get(extension, "finishedAt")),
                 review->signer[0] != '\0' ? ", signed by " : "", review->signer);
    for (size_t i = 0; i < json_array_size(reasons); i++)
        (void)printf("          - %s\n", json_string_value(json_array_get(reasons, i)));
    sha256_to_hex(review->policy->sha256, hex);
    (void)printf(
        "policy:   %s tier, sha256 %s%s\n", policy_tier_names[review->policy->tier], hex,
        review->policy_path != NULL ? ""
        : review->keys_path == NULL && review->result_key_path == NULL
            ? "\n          It came with the result, and so did the keys that it trusts: give yours with --policy"
            : " (it came with the result)");
    if (!review->result.own_policy)
        (void)printf("          The result was made under another policy; under this one it is '%s'\n",
                     outcome_names[review->result.verdict.outcome]);
}

void cli_review_print_signed(const struct cli_review *review)
{
    for (unsigned i = 0; i < review->review->line_count; i++) {
        const struct review_line *line = &review->review->lines[i];

        (void)printf("%-10s%s%s%s %s: %s\n", line->is_waiver ? "waiver:" : "sign-off:", line->support.check,
                     line->support.check[0] != '\0' ? " by " : "",
                     line->support.by[0] != '\0' ? line->support.by : line->support.file,
                     review_state_names[line->state], line->detail);
    }
}

void cli_review_print_state(const struct cli_review *review)
{
    cli_review_print_signed(review);
    for (unsigned i = 0; i < review->settled->missing_count; i++)
        (void)printf("%-10s%s\n", i == 0 ? "missing:" : "", review->settled->missing[i]);
    if (review->settled->missing_count == 0 && !review_is_broken(review->review))
        (void)printf("          nothing is missing for a release\n");
}

/* --- signing ------------------------------------------------------------------------------------------------ */

int cli_review_start_signer(struct cli_review *review, signer_accept *accept, struct signer **ret_signer,
                            struct error *err)
{
    review->passphrase.ask = cli_ask_passphrase;
    return signer_start_for(accept, review->key_path, &review->passphrase, ret_signer, err);
}

int cli_review_sign(struct signer *signer, const struct buffer *payload, int folder_fd, const char *name,
                    struct error *err)
{
    struct sign_off_signature signature = {0};
    int r = crypto_public_key_fingerprint(signer_public_key(signer), signature.fingerprint, err);

    if (r == 0)
        r = signer_sign(signer, payload->data, payload->size, signature.bytes, &signature.size,
                        io_deadline_ms(SIGN_DEADLINE_MS), err);
    return r == 0 ? sign_off_write_bundle(folder_fd, name, payload, &signature, err) : r;
}

void cli_review_close(struct cli_review *review)
{
    free(review->policy);
    free(review->own_ring);
    free(review->review);
    free(review->settled);
    approve_result_free(&review->result);
}
