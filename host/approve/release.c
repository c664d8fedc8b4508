/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a release, and checking one. */
#include "host/approve/release.h"

#include "host/attest/bundle.h"
#include "host/attest/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_PER_DAY 86400

/* --- writing ------------------------------------------------------------------------------------------ */

/* The first that ends, of those that count; `otherwise` where there are none. */
static int64_t first_end(const struct review *review, int64_t otherwise)
{
    int64_t end = TIME_NEVER;

    for (unsigned i = 0; i < review->line_count; i++)
        if (review->lines[i].state == REVIEW_COUNTS && review->lines[i].valid_until < end)
            end = review->lines[i].valid_until;
    return end == TIME_NEVER ? otherwise : end;
}

/* Whether the verdict needed this waiver; others stay out of the release. */
static bool is_needed(const struct verdict *verdict, const char *check)
{
    for (size_t i = 0; i < verdict->reason_count; i++)
        if (verdict->bases[i].cause == VERDICT_CAUSE_CHECK && verdict->bases[i].outcome == OUTCOME_NEEDS_REVIEW &&
            strcmp(verdict->checks[verdict->bases[i].check].id, check) == 0)
            return true;
    return false;
}

int release_encode(const struct review_request *request, const struct verdict *verdict, const struct review *review,
                   struct buffer *ret_bytes, struct error *err)
{
    CLEANUP_FREE struct document_support *supports = calloc(2 * REVIEW_LINES_MAX, sizeof *supports);
    struct document_support *waivers = supports + REVIEW_LINES_MAX;
    struct document_release release = {.required = request->policy->approval.required,
                                       .sign_offs = supports,
                                       .waivers = waivers,
                                       .verdict = verdict->outcome};
    int64_t end = first_end(review, request->when + (int64_t)request->policy->approval.days * SECONDS_PER_DAY);

    if (supports == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the release");
    for (unsigned i = 0; i < review->line_count; i++) {
        const struct review_line *line = &review->lines[i];

        if (line->state != REVIEW_COUNTS)
            continue;
        if (!line->is_waiver)
            supports[release.sign_off_count++] = line->support;
        else if (is_needed(verdict, line->support.check))
            waivers[release.waiver_count++] = line->support;
    }
    return document_encode_release(request->target, &release, request->when, end, ret_bytes, err);
}

/* --- checking ----------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void conclude(struct release_report *report, enum release_state state,
                                                           const char *format, ...)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(sizeof report->detail);
    char text[sizeof report->detail];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    report->state = state;
    if (text_escape(text, sizeof report->detail - 1, &shown) == 0 && buffer_append_u8(&shown, 0) == 0)
        memcpy(report->detail, shown.data, shown.size);
}

/* Whether a key that may release signed the bundle; it is judged at the time that the release claims. */
static bool check_signature(const struct review_request *request, const struct bundle *bundle,
                            const struct crypto_public_key *key, int64_t created, struct release_report *report)
{
    const struct keyring_key *listed = keyring_find(request->ring, bundle->fingerprint, KEYRING_RESULT);
    CLEANUP_PUBLIC_KEY struct crypto_public_key *opened = NULL;
    const struct keyring_revocation *revocation;
    enum keyring_standing standing = KEYRING_VALID;
    struct error cause = {0};

    if (key == NULL && listed == NULL) {
        conclude(report, RELEASE_MISMATCH, "by a key that is not among the trusted keys with use: [result]");
        return false;
    }
    if ((key == NULL && keyring_open(listed, &opened, &cause) < 0) ||
        bundle_verify(bundle, key != NULL ? key : opened, &cause) < 0) {
        conclude(report, RELEASE_MISMATCH, "%s", cause.text);
        return false;
    }
    if (listed != NULL)
        standing = keyring_judge(listed, created);
    /* When a stolen key signed is only what its holder claims. */
    revocation = keyring_find_revocation(request->ring, bundle->fingerprint);
    if (revocation != NULL && revocation->since <= request->when)
        standing = KEYRING_REVOKED;
    if (standing != KEYRING_VALID)
        conclude(report, RELEASE_MISMATCH, "the key that signed it is %s", keyring_standing_names[standing]);
    return standing == KEYRING_VALID;
}

static bool is_same_target(const struct document *document, const struct document_target *target,
                           struct release_report *report)
{
    const json_t *models = json_object_get(target->statement, "subject");
    bool same = json_array_size(document->subjects) == json_array_size(models) + 1 &&
                memcmp(document->statement_sha256, target->statement_sha256, SHA256_SIZE) == 0;

    for (size_t i = 0; same && i < json_array_size(models); i++)
        same = json_equal(json_array_get(document->subjects, i + 1), json_array_get(models, i));
    if (!same)
        conclude(report, RELEASE_MISMATCH, "of another result");
    else if (memcmp(document->policy_sha256, target->policy_sha256, SHA256_SIZE) != 0)
        conclude(report, RELEASE_MISMATCH, "under another policy than the one given");
    else if (document->tier != target->tier)
        conclude(report, RELEASE_MISMATCH, "for the %s tier, but the policy's is %s", policy_tier_names[document->tier],
                 policy_tier_names[target->tier]);
    else
        return true;
    return false;
}

/* The line that a release rests on, if it counts and is the very file. */
static const struct review_line *find_line(const struct review *review, const struct document_support *support)
{
    for (unsigned i = 0; i < review->line_count; i++) {
        const struct review_line *line = &review->lines[i];

        if (line->state == REVIEW_COUNTS && strcmp(line->support.file, support->file) == 0 &&
            strcmp(line->support.by, support->by) == 0 && strcmp(line->support.check, support->check) == 0 &&
            memcmp(line->support.fingerprint, support->fingerprint, SHA256_SIZE) == 0 &&
            memcmp(line->support.sha256, support->sha256, SHA256_SIZE) == 0)
            return line;
    }
    return NULL;
}

/* Each sign-off and waiver is there as the release names it, and lasts at least as long. */
static bool check_supports(const struct document *document, enum document_kind kind, struct release_report *report)
{
    for (size_t i = 0; i < document_count_supports(document, kind); i++) {
        struct document_support support;
        const struct review_line *line;

        document_read_support(document, kind, i, &support);
        line = find_line(&report->review, &support);
        if (line == NULL) {
            conclude(report, RELEASE_MISMATCH, "it rests on %s by %s, which is not there as it was or does not count",
                     support.file, support.by);
            return false;
        }
        if (line->valid_until < document->valid_until) {
            conclude(report, RELEASE_MISMATCH, "it lasts longer than %s, on which it rests", support.file);
            return false;
        }
    }
    return true;
}

/* Only what the release names may settle: what was added since does not mend it. */
static void keep_named(const struct document *document, struct review *review)
{
    for (unsigned i = 0; i < review->line_count; i++) {
        struct review_line *line = &review->lines[i];
        enum document_kind kind = line->is_waiver ? DOCUMENT_WAIVER : DOCUMENT_SIGN_OFF;
        bool named = false;

        for (size_t j = 0; j < document_count_supports(document, kind); j++) {
            struct document_support support;

            document_read_support(document, kind, j, &support);
            named |= strcmp(support.file, line->support.file) == 0;
        }
        if (named || line->state != REVIEW_COUNTS)
            continue;
        line->state = REVIEW_IGNORED;
        (void)snprintf(line->detail, sizeof line->detail, "the release does not name it");
        if (!line->is_waiver)
            review->counted--;
    }
}

/* What the release says of policy and verdict is what they say. */
static bool agrees(const struct review_request *request, const struct approve_result *result,
                   const struct document *document, struct release_report *report)
{
    const char *verdict = json_string_value(json_object_get(document->extension, "verdict"));
    json_int_t required = json_integer_value(json_object_get(document->extension, "required"));

    if (verdict == NULL || strcmp(verdict, outcome_names[result->verdict.outcome]) != 0)
        conclude(report, RELEASE_MISMATCH, "it says '%s', but under the policy the verdict is '%s'",
                 verdict != NULL ? verdict : "", outcome_names[result->verdict.outcome]);
    else if (required != (json_int_t)request->policy->approval.required)
        conclude(report, RELEASE_MISMATCH, "it says that %lld sign-offs were required; the policy requires %u",
                 (long long)required, request->policy->approval.required);
    else
        return true;
    return false;
}

/* The sign-offs and waivers again, at the time of the release. */
static int check_review(const struct review_request *request, const struct approve_result *result,
                        const struct document *document, struct release_report *report, struct error *err)
{
    struct review_request then = *request;
    CLEANUP_FREE struct review_verdict *settled = malloc(sizeof *settled);
    int r;

    if (settled == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the release");
    then.when = document->created;
    r = review_collect(&then, &report->review, err);
    if (r < 0)
        return r;
    keep_named(document, &report->review);
    if (!check_supports(document, DOCUMENT_SIGN_OFF, report) || !check_supports(document, DOCUMENT_WAIVER, report))
        return 0;
    if (!result->has_verdict || result->outcome == OUTCOME_REJECTED) {
        conclude(report, RELEASE_MISMATCH, "the result is '%s', which nothing can release",
                 outcome_names[result->outcome]);
        return 0;
    }
    if (!agrees(request, result, document, report))
        return 0;
    review_settle(&then, &result->verdict, result->own_policy, &report->review, settled);
    if (settled->missing_count > 0)
        conclude(report, RELEASE_MISMATCH, "it lacks %s", settled->missing[0]);
    else if (review_is_broken(&report->review))
        conclude(report, RELEASE_MISMATCH, "a sign-off or waiver beside it is broken");
    return 0;
}

static int check_document(const struct review_request *request, const struct approve_result *result,
                          const struct bundle *bundle, const struct crypto_public_key *key,
                          struct release_report *report, struct error *err)
{
    CLEANUP_DOCUMENT struct document document = {0};
    char text[TIME_TEXT_SIZE];
    struct error cause = {0};
    int r = document_check(bundle->payload.data, bundle->payload.size, DOCUMENT_RELEASE, &document, &cause);

    if (r < 0 && cause.kind != ERROR_BAD_INPUT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    if (r < 0) {
        conclude(report, RELEASE_MISMATCH, "%s", cause.text);
        return 0;
    }
    if (!check_signature(request, bundle, key, document.created, report) ||
        !is_same_target(&document, request->target, report))
        return 0;
    report->has_document = true;
    report->created = document.created;
    report->valid_until = document.valid_until;
    time_text_format(document.valid_until, text);
    conclude(report, RELEASE_HOLDS, "sign-offs: %zu, waivers: %zu, until %s",
             document_count_supports(&document, DOCUMENT_SIGN_OFF), document_count_supports(&document, DOCUMENT_WAIVER),
             text);
    if (document.created > request->when + REVIEW_SKEW_SECONDS)
        conclude(report, RELEASE_MISMATCH, "released at a time that has not come yet");
    r = check_review(request, result, &document, report, err);
    if (r == 0 && report->state == RELEASE_HOLDS && request->when > document.valid_until)
        conclude(report, RELEASE_EXPIRED, "expired at %s", text);
    return r;
}

int release_verify(const struct review_request *request, const struct approve_result *result,
                   const struct crypto_public_key *key, struct release_report *ret_report, struct error *err)
{
    CLEANUP_FREE struct release_report *report = calloc(1, sizeof *report);
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_BUNDLE struct bundle bundle = {0};
    struct error cause = {0};
    int r;

    if (report == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the release");
    r = folder_read(request->directory, FOLDER_RELEASE, &text, &cause);
    if (r == 0)
        r = bundle_decode(text.data, text.size, FOLDER_RELEASE, &bundle, &cause);
    if (r == 0)
        r = check_document(request, result, &bundle, key, report, err);
    else if (r == -ENOENT)
        r = 0;
    else if (cause.kind != ERROR_BAD_INPUT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    else {
        conclude(report, RELEASE_MISMATCH, "%s", cause.text);
        r = 0;
    }
    if (r == 0 && !report->has_document)
        r = review_collect(request, &report->review, err);
    if (r == 0)
        *ret_report = *report;
    return r;
}
