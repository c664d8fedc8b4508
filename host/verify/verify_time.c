/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the result was signed, and whether its key was valid then.
 *
 * Theory of operation. A timestamp proves that the signature was there at its time: it was made then, or before. The
 * signer's own finishedAt proves nothing, and is taken only for want of better; whoever stole a key can claim any time,
 * so that of a revoked key only a proof counts.
 */
#include "host/verify/internal.h"

#include "host/crypto/timestamp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PERIOD_SIZE 96u
#define REASON_SIZE (KEYRING_REASON_SIZE + 4u)

/* What the signer says; a checked statement has a time there. */
static int64_t claimed_time(const struct verify *verify)
{
    const char *text = json_string_value(json_object_get(statement_get_extension(verify->statement), "finishedAt"));
    int64_t seconds = 0;

    return time_text_parse_second(text, &seconds) == 0 ? seconds : 0;
}

/* --- timestamps -------------------------------------------------------------------------------------------- */

static void take_timestamp(struct verify *verify, const struct crypto_timestamp *stamp, bool is_trusted)
{
    struct verify_report *report = verify->report;
    char text[TIME_TEXT_SIZE];
    int64_t claimed = claimed_time(verify);

    time_text_format(stamp->time, text);
    if (!is_trusted) {
        verify_add(verify, VERIFY_RECORD, VERIFY_NOT_CHECKED, "timestamp",
                   "%s says that it was there at %s; give that authority's certificates with --tsa-ca",
                   stamp->authority, text);
        return;
    }
    if (report->time_source != VERIFY_TIME_PROVEN || stamp->time < report->time) {
        report->time_source = VERIFY_TIME_PROVEN;
        report->time = stamp->time;
    }
    if (claimed > stamp->time)
        verify_add(verify, VERIFY_RECORD, VERIFY_HOLDS, "timestamp",
                   "the signature was there at %s, says %s; the signer's clock was at least %" PRId64 " s ahead", text,
                   stamp->authority, claimed - stamp->time);
    else
        verify_add(verify, VERIFY_RECORD, VERIFY_HOLDS, "timestamp", "the signature was there at %s, says %s", text,
                   stamp->authority);
}

static int check_timestamp(struct verify *verify, const struct crypto_timestamp_anchors *anchors, size_t index,
                           struct error *err)
{
    const struct bundle *bundle = &verify->bundle;
    const struct buffer *response = &bundle->timestamps[index];
    struct crypto_timestamp stamp = {0};
    struct error cause = {0};
    int r = crypto_timestamp_verify_by(anchors, response->data, response->size, bundle->signature,
                                       bundle->signature_size, &stamp, &cause);

    if (r < 0 && cause.kind != ERROR_MISMATCH && cause.kind != ERROR_BAD_INPUT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    if (r < 0)
        verify_add(verify, VERIFY_RECORD, VERIFY_MISMATCH, "timestamp", "%s", cause.text);
    else
        take_timestamp(verify, &stamp, anchors != NULL);
    return 0;
}

static int check_timestamps(struct verify *verify, struct error *err)
{
    CLEANUP_TIMESTAMP_ANCHORS struct crypto_timestamp_anchors *anchors = NULL;
    const char *path = verify->request->authorities_path;
    int r = path != NULL ? crypto_timestamp_anchors_load(path, &anchors, err) : 0;

    if (r == 0 && verify->bundle.timestamp_count == 0)
        verify_add(verify, VERIFY_RECORD, VERIFY_NOT_CHECKED, "timestamp",
                   "the result has none: when it was signed is the signer's word");
    for (size_t i = 0; r == 0 && i < verify->bundle.timestamp_count; i++)
        r = check_timestamp(verify, anchors, i, err);
    return r;
}

/* The best that is known: a timestamp; else what the auditor knows; else what the signer claims. */
static void settle_time(struct verify *verify)
{
    struct verify_report *report = verify->report;

    if (verify->request->has_time &&
        (report->time_source != VERIFY_TIME_PROVEN || verify->request->time < report->time)) {
        report->time_source = VERIFY_TIME_GIVEN;
        report->time = verify->request->time;
    }
    if (report->time_source != VERIFY_TIME_UNKNOWN)
        return;
    report->time = claimed_time(verify);
    report->time_source = VERIFY_TIME_CLAIMED;
}

/* --- the key at that time ----------------------------------------------------------------------------------- */

static const char *source_words(enum verify_time_source source)
{
    static const char *const words[VERIFY_TIME_SOURCE_COUNT] = {
        [VERIFY_TIME_CLAIMED] = "the signer's own claim",
        [VERIFY_TIME_GIVEN] = "your --at",
        [VERIFY_TIME_PROVEN] = "by its timestamp",
    };

    return words[source];
}

static void add_key(struct verify *verify, enum verify_state state, const char *text)
{
    verify_add(verify, VERIFY_RECORD, state, "key", "%s", text);
}

/* false where the key is revoked and nothing proves that it signed before. */
static bool survives_revocation(struct verify *verify, const struct keyring_revocation *revocation)
{
    const struct verify_report *report = verify->report;
    bool is_proven = report->time_source == VERIFY_TIME_PROVEN || report->time_source == VERIFY_TIME_GIVEN;
    int64_t now = (int64_t)time(NULL);
    char since[TIME_TEXT_SIZE], when[TIME_TEXT_SIZE], reason[REASON_SIZE] = "";

    time_text_format(revocation->since, since);
    time_text_format(report->time, when);
    if (revocation->reason[0] != '\0')
        (void)snprintf(reason, sizeof reason, " (%s)", revocation->reason);
    if (now < revocation->since) {
        verify_add(verify, VERIFY_RECORD, VERIFY_HOLDS, "revocation", "to be revoked at %s%s, which is to come", since,
                   reason);
        return true;
    }
    if (is_proven && report->time < revocation->since) {
        verify_add(verify, VERIFY_RECORD, VERIFY_HOLDS, "revocation", "revoked since %s%s, but signed by %s (%s)",
                   since, reason, when, source_words(report->time_source));
        return true;
    }
    if (is_proven)
        verify_add(verify, VERIFY_RECORD, VERIFY_MISMATCH, "key",
                   "revoked since %s%s, and the earliest proof of the signature is of %s (%s)", since, reason, when,
                   source_words(report->time_source));
    else
        verify_add(verify, VERIFY_RECORD, VERIFY_MISMATCH, "key",
                   "revoked since %s%s, and no timestamp proves that the result was signed before: its own time is the "
                   "signer's word",
                   since, reason);
    return false;
}

static void describe_period(const struct keyring_key *key, char ret_text[PERIOD_SIZE])
{
    char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE];

    time_text_format(key->not_before, from);
    time_text_format(key->not_after, to);
    if (key->not_before == TIME_ALWAYS && key->not_after == TIME_NEVER)
        (void)snprintf(ret_text, PERIOD_SIZE, "without dates");
    else if (key->not_before == TIME_ALWAYS)
        (void)snprintf(ret_text, PERIOD_SIZE, "valid to %s", to);
    else if (key->not_after == TIME_NEVER)
        (void)snprintf(ret_text, PERIOD_SIZE, "valid from %s", from);
    else
        (void)snprintf(ret_text, PERIOD_SIZE, "valid from %s to %s", from, to);
}

static void judge_listed(struct verify *verify)
{
    const struct verify_report *report = verify->report;
    const struct keyring_key *key = verify->listed;
    /* Revocation has been judged, more strictly. */
    struct keyring_key dated = *key;
    char period[PERIOD_SIZE], when[TIME_TEXT_SIZE];
    enum keyring_standing standing;

    dated.revoked_since = TIME_NEVER;
    standing = keyring_judge(&dated, report->time);
    describe_period(key, period);
    time_text_format(report->time, when);
    verify_add(verify, VERIFY_RECORD, standing == KEYRING_VALID ? VERIFY_HOLDS : VERIFY_MISMATCH, "key",
               "%s: %s, %s; judged at %s (%s)", key->name, keyring_standing_names[standing], period, when,
               source_words(report->time_source));
}

void verify_key_standing(struct verify *verify)
{
    const uint8_t *fingerprint = verify->bundle.fingerprint;
    const struct keyring_revocation *revocation;

    if (verify->trusted == NULL) {
        add_key(verify, VERIFY_NOT_CHECKED,
                "--key has no dates and no revocations; a ring with them: --keys KEYS.yaml");
        return;
    }
    revocation = keyring_find_revocation(verify->trusted, fingerprint);
    if (revocation != NULL && !survives_revocation(verify, revocation))
        return;
    if (verify->listed != NULL)
        judge_listed(verify);
    else if (keyring_find(verify->trusted, fingerprint, KEYRING_ANY) != NULL)
        verify_add(verify, VERIFY_RECORD, VERIFY_MISMATCH, "key", "%s lists it, but not for results",
                   verify->trusted_name);
    else if (verify->trusted->count > 0)
        verify_add(verify, VERIFY_RECORD, VERIFY_NOT_CHECKED, "key", "%s does not list the key of --key",
                   verify->trusted_name);
    else if (revocation == NULL)
        verify_add(verify, VERIFY_RECORD, VERIFY_HOLDS, "key", "not among the revoked ones of %s, which has no dates",
                   verify->trusted_name);
}

int verify_time(struct verify *verify, struct error *err)
{
    int r = check_timestamps(verify, err);

    if (r < 0)
        return r;
    settle_time(verify);
    return 0;
}
