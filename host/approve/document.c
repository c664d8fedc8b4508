/* SPDX-License-Identifier: Apache-2.0 */
/* Writing sign-offs, waivers and releases. */
#include "host/approve/document.h"

#include "host/attest/text.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"

#include <errno.h>
#include <string.h>

const struct document_form document_forms[DOCUMENT_KIND_COUNT] = {
    [DOCUMENT_SIGN_OFF] = {"X_HUMAN_APPROVED", "https://lazaret.dev/approval/v1"},
    [DOCUMENT_WAIVER] = {"X_CHECK_WAIVED", "https://lazaret.dev/waiver/v1"},
    [DOCUMENT_RELEASE] = {"X_RELEASED", "https://lazaret.dev/release/v1"},
};

static json_t *new_hex(const uint8_t sha256[SHA256_SIZE])
{
    char hex[SHA256_HEX_SIZE];

    sha256_to_hex(sha256, hex);
    return json_string(hex);
}

static json_t *new_time(int64_t seconds)
{
    char text[TIME_TEXT_SIZE];

    time_text_format(seconds, text);
    return json_string(text);
}

/* The bundle, then what the result itself is about. */
static json_t *new_subjects(const struct document_target *target)
{
    json_t *list =
        json_pack("[{s:s, s:{s:o}}]", "name", DOCUMENT_RESULT, "digest", "sha256", new_hex(target->bundle_sha256));

    if (list != NULL && json_array_extend(list, json_object_get(target->statement, "subject")) < 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static int finish(json_t *document, enum document_kind kind, struct buffer *ret_bytes, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_DOCUMENT struct document checked = {0};
    int r = document != NULL ? json_canonical_encode(document, &bytes) : -ENOMEM;

    json_decref(document);
    if (r == 0 && document_check(bytes.data, bytes.size, kind, &checked, err) < 0) {
        (void)error_prefix(err, "what is to be signed");
        if (err != NULL)
            err->kind = ERROR_INTERNAL, err->code = -EINVAL;
        return -EINVAL;
    }
    if (r == 0)
        r = buffer_append(ret_bytes, bytes.data, bytes.size);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no room for what is to be signed") : 0;
}

/* Takes the extension over; adds what every kind has. */
static int encode(const struct document_target *target, enum document_kind kind, int64_t created, int64_t valid_until,
                  json_t *extension, struct buffer *ret_bytes, struct error *err)
{
    json_t *document;

    if (extension == NULL || json_object_set_new(extension, "statement", new_hex(target->statement_sha256)) < 0 ||
        json_object_set_new(extension, "tier", json_string(policy_tier_names[target->tier])) < 0 ||
        json_object_set_new(extension, "validUntil", new_time(valid_until)) < 0) {
        json_decref(extension);
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for what is to be signed");
    }
    document = json_pack("{s:s, s:o, s:s, s:{s:{s:s, s:[{s:{s:o}}]}, s:o, s:[s], s:o}}", "_type", STATEMENT_TYPE,
                         "subject", new_subjects(target), "predicateType", DOCUMENT_PREDICATE_TYPE, "predicate",
                         "verifier", "id", DOCUMENT_VERIFIER, "policies", "digest", "sha256",
                         new_hex(target->policy_sha256), "timeCreated", new_time(created), "properties",
                         document_forms[kind].property, document_forms[kind].extension, extension);
    return finish(document, kind, ret_bytes, err);
}

int document_encode_sign_off(const struct document_target *target, int64_t created, int64_t valid_until,
                             struct buffer *ret_bytes, struct error *err)
{
    const json_t *result = statement_get_extension(target->statement);
    /* The verdict and its reasons are there to be read by who signs. */
    json_t *extension = json_pack("{s:O, s:O}", "verdict", json_object_get(result, "verdict"), "reasons",
                                  json_object_get(result, "reasons"));

    return encode(target, DOCUMENT_SIGN_OFF, created, valid_until, extension, ret_bytes, err);
}

int document_encode_waiver(const struct document_target *target, const char *check, const char *by, const char *reason,
                           int64_t created, int64_t valid_until, struct buffer *ret_bytes, struct error *err)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(DOCUMENT_REASON_MAX);
    json_t *extension;

    if (strlen(reason) > DOCUMENT_REASON_MAX || text_escape(reason, DOCUMENT_REASON_MAX, &shown) < 0)
        return error_set(err, ERROR_USAGE, -EMSGSIZE, "the reason is longer than %u bytes", DOCUMENT_REASON_MAX);
    extension = json_pack("{s:s, s:s, s:o}", "check", check, "by", by, "reason",
                          json_stringn((const char *)shown.data, shown.size));
    return encode(target, DOCUMENT_WAIVER, created, valid_until, extension, ret_bytes, err);
}

static json_t *new_supports(const struct document_support *supports, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < count; i++) {
        json_t *entry =
            json_pack("{s:s, s:o, s:s, s:{s:o}}", "by", supports[i].by, "key", new_hex(supports[i].fingerprint), "name",
                      supports[i].file, "digest", "sha256", new_hex(supports[i].sha256));

        if (entry != NULL && supports[i].check[0] != '\0' &&
            json_object_set_new(entry, "check", json_string(supports[i].check)) < 0) {
            json_decref(entry);
            entry = NULL;
        }
        if (json_array_append_new(list, entry) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

int document_encode_release(const struct document_target *target, const struct document_release *release,
                            int64_t created, int64_t valid_until, struct buffer *ret_bytes, struct error *err)
{
    json_t *extension = json_pack("{s:i, s:o, s:o, s:s, s:s}", "required", (int)release->required, "signOffs",
                                  new_supports(release->sign_offs, release->sign_off_count), "waivers",
                                  new_supports(release->waivers, release->waiver_count), "verdict",
                                  outcome_names[release->verdict], "producer", "lazaret " LAZARET_VERSION);

    return encode(target, DOCUMENT_RELEASE, created, valid_until, extension, ret_bytes, err);
}

static const json_t *supports_of(const struct document *release, enum document_kind kind)
{
    return json_object_get(release->extension, kind == DOCUMENT_WAIVER ? "waivers" : "signOffs");
}

size_t document_count_supports(const struct document *release, enum document_kind kind)
{
    return json_array_size(supports_of(release, kind));
}

static void copy_text(const json_t *entry, const char *key, char *ret_text, size_t size)
{
    const char *text = json_string_value(json_object_get(entry, key));

    (void)snprintf(ret_text, size, "%s", text != NULL ? text : "");
}

void document_read_support(const struct document *release, enum document_kind kind, size_t index,
                           struct document_support *ret_support)
{
    const json_t *entry = json_array_get(supports_of(release, kind), index);
    char hex[SHA256_HEX_SIZE];

    copy_text(entry, "by", ret_support->by, sizeof ret_support->by);
    copy_text(entry, "check", ret_support->check, sizeof ret_support->check);
    copy_text(entry, "name", ret_support->file, sizeof ret_support->file);
    copy_text(entry, "key", hex, sizeof hex);
    if (sha256_from_hex(hex, ret_support->fingerprint) < 0)
        memset(ret_support->fingerprint, 0, SHA256_SIZE);
    copy_text(json_object_get(entry, "digest"), "sha256", hex, sizeof hex);
    if (sha256_from_hex(hex, ret_support->sha256) < 0)
        memset(ret_support->sha256, 0, SHA256_SIZE);
}

void document_free(struct document *document)
{
    json_decref(document->json);
    document->json = NULL;
}
