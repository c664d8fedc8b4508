/* SPDX-License-Identifier: Apache-2.0 */
/* Who has signed off beside a result. */
#include "host/cli/report_sign_offs.h"

#include "base/time_text.h"
#include "host/crypto/key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void describe(struct report_sign_offs *sign_offs, unsigned index)
{
    const struct review_line *line = &sign_offs->review.lines[index];
    struct report_line *text = &sign_offs->texts[index];
    static const uint8_t none[SHA256_SIZE];
    char until[TIME_TEXT_SIZE];
    bool counts = line->state == REVIEW_COUNTS;

    (void)snprintf(text->who, sizeof text->who, "%s%s%s", line->support.by[0] != '\0' ? line->support.by : "unknown",
                   line->is_waiver ? ", waives " : "", line->is_waiver ? line->support.check : "");
    if (counts) {
        time_text_format(line->valid_until, until);
        (void)snprintf(text->when, sizeof text->when, "%s", until);
    }
    if (memcmp(line->support.fingerprint, none, sizeof none) != 0) /* of a broken file nobody knows it */
        sha256_to_hex(line->support.fingerprint, text->fingerprint);
    sign_offs->lines[index] = (struct page_sign_off){.who = text->who,
                                                     .valid_until = text->when,
                                                     .decision = !counts           ? review_state_names[line->state]
                                                                 : line->is_waiver ? "waived"
                                                                                   : "approved",
                                                     .note = line->detail,
                                                     .fingerprint = text->fingerprint};
}

/* The release beside them, judged like them. */
static int read_release(const struct review_request *request, const struct approve_result *result, const char *key_path,
                        const struct verify_report *verified, struct report_sign_offs *sign_offs, struct error *err)
{
    static const char *const decisions[RELEASE_STATE_COUNT] = {
        [RELEASE_HOLDS] = "released", [RELEASE_EXPIRED] = "expired", [RELEASE_MISMATCH] = "broken"};
    const struct release_report *release = &sign_offs->release;
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    int r = 0;

    if (keyring_find(request->ring, verified->fingerprint, KEYRING_RESULT) == NULL)
        r = crypto_public_key_load(key_path, &key, err);
    if (r == 0)
        r = release_verify(request, result, key, &sign_offs->release, err);
    if (r < 0 || release->state == RELEASE_ABSENT)
        return r;
    if (release->has_document)
        time_text_format(release->valid_until, sign_offs->release_until);
    sign_offs->lines[sign_offs->line_count++] = (struct page_sign_off){.who = "the release",
                                                                       .valid_until = sign_offs->release_until,
                                                                       .decision = decisions[release->state],
                                                                       .note = release->detail,
                                                                       .fingerprint = ""};
    return 0;
}

int report_sign_offs_read(const char *directory, const struct verify_report *verified, const struct policy *policy,
                          const char *key_path, struct report_sign_offs **ret_sign_offs, struct error *err)
{
    CLEANUP_APPROVE_RESULT struct approve_result result = {0};
    CLEANUP_FREE struct report_sign_offs *sign_offs = calloc(1, sizeof *sign_offs);
    struct review_request request = {
        .directory = directory, .target = &result.target, .policy = policy, .ring = &policy->keyring};
    int r;

    if (sign_offs == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the sign-offs");
    request.when = time(NULL);
    r = approve_result_read(directory, &verified->statement, policy, &result, err);
    if (r == 0)
        r = review_collect(&request, &sign_offs->review, err);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < sign_offs->review.line_count; i++)
        describe(sign_offs, i);
    sign_offs->line_count = sign_offs->review.line_count;
    r = read_release(&request, &result, key_path, verified, sign_offs, err);
    if (r < 0)
        return r;
    if (result.has_verdict)
        review_settle(&request, &result.verdict, result.own_policy, &sign_offs->review, &sign_offs->settled);
    for (unsigned i = 0; i < sign_offs->settled.missing_count; i++)
        sign_offs->lacking[sign_offs->lacking_count++] = sign_offs->settled.missing[i];
    *ret_sign_offs = TAKE_POINTER(sign_offs);
    return 0;
}
