/* SPDX-License-Identifier: Apache-2.0 */
/* Which sign-offs and waivers count. */
#include "host/approve/review.h"

#include "host/approve/sign_off.h"
#include "host/attest/bundle.h"
#include "host/attest/dsse.h"
#include "host/attest/text.h"
#include "host/crypto/ssh.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const review_state_names[REVIEW_STATE_COUNT + 1] = {"counts", "does not count", "of something else",
                                                                "broken", NULL};

/* The statement that sign-offs are of, read once. */
struct collecting {
    const struct review_request *request;
    struct review *review;
    struct buffer statement; /* approval.json's bytes; empty where it is not there */
    struct buffer pae;
    bool has_document;
    struct document document;
    enum review_state state; /* of what it says, for every sign-off of it */
    char detail[REVIEW_DETAIL_SIZE];
};

static void drop_collecting(struct collecting *collecting)
{
    buffer_free(&collecting->statement);
    buffer_free(&collecting->pae);
    document_free(&collecting->document);
}

/* Sets a state and its reason; text that came from a file is made harmless. */
__attribute__((format(printf, 4, 5))) static void say(enum review_state *ret_state, char ret_detail[REVIEW_DETAIL_SIZE],
                                                      enum review_state state, const char *format, ...)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(REVIEW_DETAIL_SIZE);
    char text[2 * REVIEW_DETAIL_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    *ret_state = state;
    if (text_escape(text, REVIEW_DETAIL_SIZE - 1, &shown) == 0 && buffer_append_u8(&shown, 0) == 0)
        memcpy(ret_detail, shown.data, shown.size);
}

#define SAY(line, ...) say(&(line)->state, (line)->detail, __VA_ARGS__)

/* --- what a document says ----------------------------------------------------------------------------- */

/* Whether its subjects after the bundle are the result's own. */
static bool has_same_models(const struct document *document, const struct document_target *target)
{
    const json_t *models = json_object_get(target->statement, "subject");

    if (json_array_size(document->subjects) != json_array_size(models) + 1)
        return false;
    for (size_t i = 0; i < json_array_size(models); i++)
        if (!json_equal(json_array_get(document->subjects, i + 1), json_array_get(models, i)))
            return false;
    return true;
}

/* Whether a document is about this result under this policy, and valid; the state and why not. */
void review_judge_document(const struct document *document, const struct review_request *request,
                           enum review_state *ret_state, char ret_detail[REVIEW_DETAIL_SIZE])
{
    const struct document_target *target = request->target;
    char text[TIME_TEXT_SIZE];

    time_text_format(document->valid_until, text);
    if (memcmp(document->statement_sha256, target->statement_sha256, SHA256_SIZE) != 0 ||
        !has_same_models(document, target))
        say(ret_state, ret_detail, REVIEW_FOREIGN, "of another result");
    else if (memcmp(document->policy_sha256, target->policy_sha256, SHA256_SIZE) != 0)
        say(ret_state, ret_detail, REVIEW_FOREIGN, "for another policy");
    else if (document->tier < target->tier)
        say(ret_state, ret_detail, REVIEW_IGNORED, "for the %s tier, below the policy's %s",
            policy_tier_names[document->tier], policy_tier_names[target->tier]);
    else if (document->created > request->when + REVIEW_SKEW_SECONDS)
        say(ret_state, ret_detail, REVIEW_IGNORED, "made later than this moment, as it says");
    else if (request->when > document->valid_until)
        say(ret_state, ret_detail, REVIEW_IGNORED, "expired at %s", text);
    else
        say(ret_state, ret_detail, REVIEW_COUNTS, "until %s", text);
}

/* What reviewers were shown has to be what the result says. */
static bool shows_result(const struct document *document, const struct document_target *target)
{
    const json_t *result = statement_get_extension(target->statement);

    return json_equal(json_object_get(document->extension, "verdict"), json_object_get(result, "verdict")) &&
           json_equal(json_object_get(document->extension, "reasons"), json_object_get(result, "reasons"));
}

static int read_statement(struct collecting *c, struct error *err)
{
    struct error cause = {0};
    int r = folder_read(c->request->directory, FOLDER_STATEMENT, &c->statement, &cause);

    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = document_check(c->statement.data, c->statement.size, DOCUMENT_SIGN_OFF, &c->document, &cause);
    if (r < 0 && cause.kind != ERROR_BAD_INPUT)
        return error_set(err, cause.kind, r, "%s: %s", FOLDER_STATEMENT, cause.text);
    c->has_document = r == 0;
    if (r < 0)
        say(&c->state, c->detail, REVIEW_BROKEN, "%s: %s", FOLDER_STATEMENT, cause.text);
    else
        review_judge_document(&c->document, c->request, &c->state, c->detail);
    if (r == 0 && c->state != REVIEW_FOREIGN && !shows_result(&c->document, c->request->target))
        say(&c->state, c->detail, REVIEW_BROKEN, "%s: the verdict and reasons shown are not the result's",
            FOLDER_STATEMENT);
    if (dsse_encode_pae(DSSE_PAYLOAD_TYPE, c->statement.data, c->statement.size, &c->pae) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the sign-offs");
    return 0;
}

/* --- whose key it is ------------------------------------------------------------------------------------ */

/* The ring's key of a use, by its fingerprint, valid now and of the name that the file has; NULL after SAY. */
static const struct keyring_key *find_key(const struct review_request *request, struct review_line *line,
                                          const char *file_of, unsigned use, const char *use_name)
{
    const struct keyring_key *key = keyring_find(request->ring, line->support.fingerprint, use);
    char hex[SHA256_HEX_SIZE];
    enum keyring_standing standing;

    sha256_to_hex(line->support.fingerprint, hex);
    if (key == NULL) {
        const struct keyring_key *other = keyring_find(request->ring, line->support.fingerprint, KEYRING_ANY);

        if (other != NULL)
            SAY(line, REVIEW_IGNORED, "by %s, whose key is not for this: its use lacks %s", other->name, use_name);
        else
            SAY(line, REVIEW_IGNORED, "by the key %.16s…, which is not among the trusted keys", hex);
        return NULL;
    }
    (void)snprintf(line->support.by, sizeof line->support.by, "%s", key->name);
    if (file_of != NULL && strcmp(file_of, key->name) != 0) {
        SAY(line, REVIEW_BROKEN, "signed by %s's key, and not by %s's", key->name, file_of);
        return NULL;
    }
    standing = keyring_judge(key, request->when);
    if (standing != KEYRING_VALID) {
        SAY(line, REVIEW_IGNORED, "%s's key is %s", key->name, keyring_standing_names[standing]);
        return NULL;
    }
    return key;
}

/* Whether another line counts for this reviewer or key. */
static bool is_counted(const struct review *review, const struct document_support *support)
{
    for (unsigned i = 0; i < review->line_count; i++) {
        const struct review_line *line = &review->lines[i];

        if (line->state == REVIEW_COUNTS && !line->is_waiver &&
            (strcmp(line->support.by, support->by) == 0 ||
             memcmp(line->support.fingerprint, support->fingerprint, SHA256_SIZE) == 0))
            return true;
    }
    return false;
}

/* A signature that holds: does it count? */
static void judge_reviewer(struct collecting *c, const char *file_of, struct review_line *line)
{
    const struct policy *policy = c->request->policy;
    const struct policy_reviewer *reviewer;

    if (find_key(c->request, line, file_of, KEYRING_REVIEWER, "reviewer") == NULL)
        return;
    reviewer = policy_find_reviewer(policy, line->support.by);
    if (c->state != REVIEW_COUNTS)
        SAY(line, c->state, "%s", c->detail);
    else if (reviewer == NULL)
        SAY(line, REVIEW_IGNORED, "%s is none of the policy's reviewers", line->support.by);
    else if (reviewer->tier < policy->tier)
        SAY(line, REVIEW_IGNORED, "%s may approve up to the %s tier, not at %s", line->support.by,
            policy_tier_names[reviewer->tier], policy_tier_names[policy->tier]);
    else if (is_counted(c->review, &line->support))
        SAY(line, REVIEW_IGNORED, "%s has signed already, and counts once", line->support.by);
    else {
        SAY(line, REVIEW_COUNTS, "%s", c->detail);
        line->valid_until = c->document.valid_until;
        c->review->counted++;
    }
}

/* --- the signatures --------------------------------------------------------------------------------------- */

/* Verifies a bundle by the key it names, from the ring; false after SAY. */
static bool verify_bundle(const struct review_request *request, const struct bundle *bundle, struct review_line *line)
{
    const struct keyring_key *listed = keyring_find(request->ring, bundle->fingerprint, KEYRING_ANY);
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    struct error cause = {0};
    char hex[SHA256_HEX_SIZE];

    memcpy(line->support.fingerprint, bundle->fingerprint, SHA256_SIZE);
    sha256_to_hex(bundle->fingerprint, hex);
    if (listed == NULL)
        SAY(line, REVIEW_IGNORED, "by the key %.16s…, which is not among the trusted keys", hex);
    else if (keyring_open(listed, &key, &cause) < 0 || bundle_verify(bundle, key, &cause) < 0)
        SAY(line, REVIEW_BROKEN, "%s", cause.text);
    return listed != NULL && cause.kind == ERROR_NONE;
}

static void judge_bundle(struct collecting *c, const struct folder_file *file, const struct buffer *text,
                         struct review_line *line)
{
    CLEANUP_BUNDLE struct bundle bundle = {0};
    struct error cause = {0};

    if (bundle_decode(text->data, text->size, file->name, &bundle, &cause) < 0)
        SAY(line, REVIEW_BROKEN, "%s", cause.text);
    else if (bundle.payload.size != c->statement.size ||
             memcmp(bundle.payload.data, c->statement.data, c->statement.size) != 0)
        SAY(line, REVIEW_BROKEN, "its payload is not " FOLDER_STATEMENT);
    else if (verify_bundle(c->request, &bundle, line))
        judge_reviewer(c, file->of, line);
}

static void judge_ssh(struct collecting *c, const struct folder_file *file, const struct buffer *text,
                      struct review_line *line)
{
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    struct error cause = {0};
    int r = crypto_sshsig_verify(text->data, text->size, file->name, REVIEW_NAMESPACE, c->pae.data, c->pae.size, &key,
                                 &cause);

    if (r == 0)
        r = crypto_public_key_fingerprint(key, line->support.fingerprint, &cause);
    if (r < 0)
        SAY(line, REVIEW_BROKEN, "%s", cause.text);
    else
        judge_reviewer(c, file->of, line);
}

static void judge_waiver(struct collecting *c, const struct folder_file *file, const struct buffer *text,
                         struct review_line *line)
{
    CLEANUP_BUNDLE struct bundle bundle = {0};
    CLEANUP_DOCUMENT struct document document = {0};
    struct error cause = {0};

    if (bundle_decode(text->data, text->size, file->name, &bundle, &cause) < 0) {
        SAY(line, REVIEW_BROKEN, "%s", cause.text);
        return;
    }
    if (!verify_bundle(c->request, &bundle, line) || find_key(c->request, line, NULL, KEYRING_WAIVER, "waiver") == NULL)
        return;
    if (document_check(bundle.payload.data, bundle.payload.size, DOCUMENT_WAIVER, &document, &cause) < 0) {
        SAY(line, REVIEW_BROKEN, "%s", cause.text);
        return;
    }
    (void)snprintf(line->support.check, sizeof line->support.check, "%s", document.check);
    line->valid_until = document.valid_until;
    review_judge_document(&document, c->request, &line->state, line->detail);
    if (strcmp(document.check, file->of) != 0)
        SAY(line, REVIEW_BROKEN, "waives %s, and not %s", document.check, file->of);
    else if (strcmp(document.by, line->support.by) != 0)
        SAY(line, REVIEW_BROKEN, "says it is by %s, but is signed by %s", document.by, line->support.by);
    else if (line->state == REVIEW_COUNTS)
        SAY(line, REVIEW_COUNTS, "%s: %s", line->detail, document.reason);
}

static int judge_file(struct collecting *c, const struct folder_file *file, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    struct review_line line = {.is_waiver = file->is_waiver};
    struct error cause = {0};
    int r = folder_read(c->request->directory, file->name, &text, &cause);

    (void)snprintf(line.support.file, sizeof line.support.file, "%s", file->name);
    if (!file->is_waiver)
        (void)snprintf(line.support.by, sizeof line.support.by, "%.*s", (int)sizeof line.support.by - 1, file->of);
    if (r < 0 && cause.kind != ERROR_BAD_INPUT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    sha256_of(text.data, text.size, line.support.sha256);
    if (r < 0)
        SAY(&line, REVIEW_BROKEN, "%s", cause.text);
    else if (file->is_waiver)
        judge_waiver(c, file, &text, &line);
    else if (c->statement.size == 0 && c->state == REVIEW_BROKEN)
        SAY(&line, REVIEW_BROKEN, "%s", c->detail);
    else if (c->statement.size == 0)
        SAY(&line, REVIEW_BROKEN, FOLDER_STATEMENT ", which it is of, is not there");
    else if (file->is_ssh)
        judge_ssh(c, file, &text, &line);
    else
        judge_bundle(c, file, &text, &line);
    c->review->lines[c->review->line_count++] = line;
    return 0;
}

/*
 * The envelope for others says what the bundles say, or is broken. One that lacks a signature was left by a crash
 * between two files: the bundles are what counts, and the next to sign or release writes it anew.
 */
static int judge_envelope(struct collecting *c, struct error *err)
{
    CLEANUP_BUFFER struct buffer found = buffer_with_limit(BUNDLE_SIZE_MAX);
    struct review_line *line = &c->review->lines[c->review->line_count];
    enum sign_off_envelope envelope = SIGN_OFF_ENVELOPE_DIFFERS;
    struct error cause = {0};
    int r = folder_read(c->request->directory, FOLDER_ENVELOPE, &found, &cause);

    if (r == -ENOENT)
        return 0;
    if (r < 0 && cause.kind != ERROR_BAD_INPUT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    if (r == 0)
        r = sign_off_judge_envelope(c->request->directory, &c->statement, &found, &envelope, err);
    if (r < 0 && cause.kind != ERROR_BAD_INPUT)
        return r;
    if (envelope == SIGN_OFF_ENVELOPE_WHOLE)
        return 0;
    (void)snprintf(line->support.file, sizeof line->support.file, "%s", FOLDER_ENVELOPE);
    if (envelope == SIGN_OFF_ENVELOPE_LACKS)
        SAY(line, REVIEW_IGNORED, "it lacks a signature of the bundles beside it, which count without it");
    else
        SAY(line, REVIEW_BROKEN, "not the envelope of the bundles beside it");
    c->review->line_count++;
    return 0;
}

int review_collect(const struct review_request *request, struct review *ret_review, struct error *err)
{
    CLEANUP_FREE struct review *review = calloc(1, sizeof *review);
    CLEANUP_FREE struct folder_list *list = malloc(sizeof *list);
    CLEANUP(drop_collecting)
    struct collecting c = {.request = request,
                           .review = review,
                           .statement = buffer_with_limit(STATEMENT_SIZE_MAX),
                           .pae = buffer_with_limit(STATEMENT_SIZE_MAX + 128)};
    int r;

    if (review == NULL || list == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the sign-offs");
    r = folder_list(request->directory, list, err);
    if (r == 0)
        r = read_statement(&c, err);
    for (unsigned i = 0; r == 0 && i < list->count; i++)
        r = judge_file(&c, &list->files[i], err);
    if (r == 0)
        r = judge_envelope(&c, err);
    if (r < 0)
        return r;
    *ret_review = *review;
    return 0;
}

const struct review_line *review_find_waiver(const struct review *review, const char *check)
{
    for (unsigned i = 0; i < review->line_count; i++)
        if (review->lines[i].is_waiver && review->lines[i].state == REVIEW_COUNTS &&
            strcmp(review->lines[i].support.check, check) == 0)
            return &review->lines[i];
    return NULL;
}

bool review_is_broken(const struct review *review)
{
    for (unsigned i = 0; i < review->line_count; i++)
        if (review->lines[i].state == REVIEW_BROKEN)
            return true;
    return false;
}
