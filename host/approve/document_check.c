/* SPDX-License-Identifier: Apache-2.0 */
/* The one schema of sign-offs, waivers and releases. */
#include "host/approve/document.h"

#include "host/attest/text.h"
#include "host/json/canonical.h"
#include "host/json/field.h"
#include "host/json/reader.h"

#include <errno.h>
#include <string.h>

static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@+-";

static int refuse(struct error *err, const char *where, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: %s", where, what);
}

/* A required SHA-256 in hexadecimal. */
static int read_digest(const json_t *object, const char *where, const char *key, uint8_t ret_sha256[SHA256_SIZE],
                       struct error *err)
{
    const char *hex;
    int r = field_string(object, where, key, SHA256_HEX_SIZE - 1, &hex, err);

    if (r < 0)
        return r;
    return sha256_from_hex(hex, ret_sha256) == 0 ? 0 : refuse(err, where, "64 lowercase hexadecimal digits expected");
}

/* {"sha256":HEX} and nothing else, as member "digest". */
static int read_digest_object(const json_t *object, const char *where, uint8_t ret_sha256[SHA256_SIZE],
                              struct error *err)
{
    static const char *const keys[] = {"sha256", NULL};
    json_t *digest;
    int r = field_object(object, where, "digest", &digest, err);

    if (r == 0)
        r = field_only(digest, where, keys, err);
    return r == 0 ? read_digest(digest, where, "sha256", ret_sha256, err) : r;
}

static int read_time(const json_t *object, const char *where, const char *key, int64_t *ret_seconds, struct error *err)
{
    const char *text;
    int r = field_string(object, where, key, TIME_TEXT_SIZE - 1, &text, err);

    if (r < 0)
        return r;
    return time_text_parse_second(text, ret_seconds) == 0
               ? 0
               : refuse(err, where, "a time of the form 2026-01-31T23:59:59Z expected");
}

/* A name of a key or check, which is also part of a file's name: never a path. */
static int read_name(const json_t *object, const char *where, const char *key, const char **ret_name, struct error *err)
{
    const char *name;
    int r = field_string(object, where, key, DOCUMENT_NAME_SIZE - 1, &name, err);

    if (r < 0)
        return r;
    if (name[strspn(name, name_characters)] != '\0')
        return refuse(err, where, "letters, digits and . _ @ + - expected");
    *ret_name = name;
    return 0;
}

static int read_text(const json_t *object, const char *where, const char *key, size_t length_max, const char **ret_text,
                     struct error *err)
{
    int r = field_string(object, where, key, length_max, ret_text, err);

    if (r < 0)
        return r;
    return text_is_printable(*ret_text) ? 0 : refuse(err, where, "holds a control character");
}

/* --- what every kind has ------------------------------------------------------------------------------ */

static int check_subjects(const json_t *statement, struct document *document, struct error *err)
{
    static const char *const keys[] = {"name", "digest", NULL};
    json_t *list;
    int r = field_array(statement, "statement", "subject", &list, err);

    if (r < 0)
        return r;
    if (json_array_size(list) < 2 || json_array_size(list) > DOCUMENT_SUBJECTS_MAX)
        return refuse(err, "subject", "the result and the model's files expected");
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
        const json_t *subject = json_array_get(list, i);
        uint8_t sha256[SHA256_SIZE];
        const char *name;

        r = field_only(subject, "subject[]", keys, err);
        if (r == 0)
            r = i == 0 ? field_exact(subject, "subject[0]", "name", DOCUMENT_RESULT, err)
                       : read_text(subject, "subject[]", "name", STATEMENT_NAME_MAX, &name, err);
        if (r == 0)
            r = read_digest_object(subject, "subject[]", i == 0 ? document->bundle_sha256 : sha256, err);
    }
    document->subjects = list;
    return r;
}

static int check_verifier(const json_t *predicate, struct document *document, struct error *err)
{
    static const char *const keys[] = {"id", "policies", NULL}, *const policy_keys[] = {"digest", NULL};
    json_t *verifier, *policies;
    int r = field_object(predicate, "predicate", "verifier", &verifier, err);

    if (r == 0)
        r = field_only(verifier, "verifier", keys, err);
    if (r == 0)
        r = field_exact(verifier, "verifier", "id", DOCUMENT_VERIFIER, err);
    if (r == 0)
        r = field_array(verifier, "verifier", "policies", &policies, err);
    if (r < 0)
        return r;
    if (json_array_size(policies) != 1)
        return refuse(err, "verifier.policies", "exactly one expected");
    r = field_only(json_array_get(policies, 0), "verifier.policies[0]", policy_keys, err);
    return r == 0
               ? read_digest_object(json_array_get(policies, 0), "verifier.policies[0]", document->policy_sha256, err)
               : r;
}

static int check_properties(const json_t *predicate, const char *property, struct error *err)
{
    json_t *properties;
    const char *text;
    int r = field_array(predicate, "predicate", "properties", &properties, err);

    if (r < 0)
        return r;
    text = json_string_value(json_array_get(properties, 0));
    if (json_array_size(properties) != 1 || text == NULL || strcmp(text, property) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "properties: %s alone expected", property);
    return 0;
}

/* --- the extensions ------------------------------------------------------------------------------------- */

static int check_reasons(const json_t *extension, struct error *err)
{
    json_t *reasons;
    int r = field_array(extension, "extension", "reasons", &reasons, err);

    if (r < 0)
        return r;
    if (json_array_size(reasons) > STATEMENT_REASONS_MAX)
        return refuse(err, "reasons", "too many");
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const json_t *reason = json_array_get(reasons, i);

        if (!json_is_string(reason) || json_string_length(reason) > STATEMENT_REASON_MAX ||
            !text_is_printable(json_string_value(reason)))
            return refuse(err, "reasons", "printable texts expected");
    }
    return 0;
}

/* Only what was evaluated and not rejected can be signed off or released. */
static int check_verdict(const json_t *extension, struct error *err)
{
    static const char *const verdicts[] = {"passed", "needs-review", NULL};
    unsigned index;

    return field_choice(extension, "extension", "verdict", verdicts, &index, err);
}

static int check_sign_off(const json_t *extension, struct document *document, struct error *err)
{
    static const char *const keys[] = {"statement", "tier", "validUntil", "verdict", "reasons", NULL};
    int r = field_only(extension, "extension", keys, err);

    (void)document;
    if (r == 0)
        r = check_verdict(extension, err);
    return r == 0 ? check_reasons(extension, err) : r;
}

static int check_waiver(const json_t *extension, struct document *document, struct error *err)
{
    static const char *const keys[] = {"statement", "tier", "validUntil", "check", "by", "reason", NULL};
    int r = field_only(extension, "extension", keys, err);

    if (r == 0)
        r = read_name(extension, "extension.check", "check", &document->check, err);
    if (r == 0)
        r = read_name(extension, "extension.by", "by", &document->by, err);
    return r == 0 ? read_text(extension, "extension.reason", "reason", DOCUMENT_REASON_MAX, &document->reason, err) : r;
}

static bool has_same(const json_t *list, size_t index, const char *key)
{
    for (size_t i = 0; i < index; i++)
        if (json_equal(json_object_get(json_array_get(list, i), key),
                       json_object_get(json_array_get(list, index), key)))
            return true;
    return false;
}

/* A reviewer counts once, by name and by key; a check is waived once. */
static int check_support(const json_t *list, size_t index, enum document_kind kind, struct error *err)
{
    static const char *const sign_off_keys[] = {"by", "key", "name", "digest", NULL};
    static const char *const waiver_keys[] = {"by", "key", "name", "digest", "check", NULL};
    const char *where = kind == DOCUMENT_WAIVER ? "waivers[]" : "signOffs[]", *text;
    const json_t *entry = json_array_get(list, index);
    uint8_t sha256[SHA256_SIZE];
    int r = field_only(entry, where, kind == DOCUMENT_WAIVER ? waiver_keys : sign_off_keys, err);

    if (r == 0)
        r = read_name(entry, where, "by", &text, err);
    if (r == 0)
        r = read_digest(entry, where, "key", sha256, err);
    if (r == 0)
        r = field_string(entry, where, "name", DOCUMENT_FILE_SIZE - 1, &text, err);
    if (r == 0 && (text[strspn(text, name_characters)] != '\0' || text[0] == '.'))
        r = refuse(err, where, "the name of a file expected");
    if (r == 0)
        r = read_digest_object(entry, where, sha256, err);
    if (r == 0 && kind == DOCUMENT_WAIVER)
        r = read_name(entry, where, "check", &text, err);
    if (r < 0)
        return r;
    if (kind == DOCUMENT_WAIVER ? has_same(list, index, "check")
                                : has_same(list, index, "by") || has_same(list, index, "key"))
        return refuse(err, where, "the same one twice");
    return 0;
}

static int check_supports(const json_t *extension, const char *key, enum document_kind kind, size_t *ret_count,
                          struct error *err)
{
    json_t *list;
    int r = field_array(extension, "extension", key, &list, err);

    if (r == 0 && json_array_size(list) > DOCUMENT_SIGNERS_MAX)
        r = refuse(err, key, "too many");
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = check_support(list, i, kind, err);
    if (r == 0)
        *ret_count = json_array_size(list);
    return r;
}

static int check_release(const json_t *extension, struct document *document, struct error *err)
{
    static const char *const keys[] = {"statement", "tier",    "validUntil", "verdict", "required",
                                       "signOffs",  "waivers", "producer",   NULL};
    size_t sign_offs = 0, waivers = 0;
    const char *producer;
    int64_t required = 0;
    int r = field_only(extension, "extension", keys, err);

    if (r == 0)
        r = check_verdict(extension, err);
    if (r == 0)
        r = field_integer(extension, "extension", "required", policy_fewest_sign_offs(document->tier),
                          DOCUMENT_SIGNERS_MAX, &required, err);
    if (r == 0)
        r = check_supports(extension, "signOffs", DOCUMENT_SIGN_OFF, &sign_offs, err);
    if (r == 0)
        r = check_supports(extension, "waivers", DOCUMENT_WAIVER, &waivers, err);
    if (r == 0)
        r = read_text(extension, "extension", "producer", STATEMENT_WORD_MAX, &producer, err);
    if (r < 0)
        return r;
    return sign_offs >= (size_t)required ? 0 : refuse(err, "signOffs", "fewer than required");
}

static int check_extension(const json_t *predicate, struct document *document, struct error *err)
{
    static int (*const checks[DOCUMENT_KIND_COUNT])(const json_t *, struct document *,
                                                    struct error *) = {check_sign_off, check_waiver, check_release};
    json_t *extension;
    unsigned tier = 0;
    int r = field_object(predicate, "predicate", document_forms[document->kind].extension, &extension, err);

    if (r == 0)
        r = read_digest(extension, "extension.statement", "statement", document->statement_sha256, err);
    if (r == 0)
        r = field_choice(extension, "extension", "tier", policy_tier_names, &tier, err);
    if (r == 0)
        r = read_time(extension, "extension.validUntil", "validUntil", &document->valid_until, err);
    if (r < 0)
        return r;
    document->tier = (enum policy_tier)tier;
    document->extension = extension;
    return checks[document->kind](extension, document, err);
}

/* --- the whole ---------------------------------------------------------------------------------------- */

static int check_predicate(const json_t *statement, struct document *document, struct error *err)
{
    const struct document_form *form = &document_forms[document->kind];
    const char *const keys[] = {"verifier", "timeCreated", "properties", form->extension, NULL};
    json_t *predicate;
    int r = field_object(statement, "statement", "predicate", &predicate, err);

    if (r == 0)
        r = check_properties(predicate, form->property, err);
    if (r == 0)
        r = field_only(predicate, "predicate", keys, err);
    if (r == 0)
        r = check_verifier(predicate, document, err);
    if (r == 0)
        r = read_time(predicate, "predicate.timeCreated", "timeCreated", &document->created, err);
    if (r == 0)
        r = check_extension(predicate, document, err);
    if (r < 0)
        return r;
    return document->valid_until > document->created ? 0 : refuse(err, "validUntil", "not after timeCreated");
}

static int check_statement(const json_t *statement, struct document *document, struct error *err)
{
    static const char *const keys[] = {"_type", "subject", "predicateType", "predicate", NULL};
    int r = field_only(statement, "statement", keys, err);

    if (r == 0)
        r = field_exact(statement, "statement", "_type", STATEMENT_TYPE, err);
    if (r == 0)
        r = field_exact(statement, "statement", "predicateType", DOCUMENT_PREDICATE_TYPE, err);
    if (r == 0)
        r = check_subjects(statement, document, err);
    return r == 0 ? check_predicate(statement, document, err) : r;
}

int document_check(const void *bytes, size_t size, enum document_kind kind, struct document *ret_document,
                   struct error *err)
{
    CLEANUP_BUFFER struct buffer again = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_DOCUMENT struct document document = {.kind = kind};
    int r = json_read(bytes, size, STATEMENT_SIZE_MAX, "statement", &document.json, err);

    if (r < 0)
        return r;
    r = json_canonical_encode(document.json, &again);
    if (r == -ENOMEM)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory to check the statement");
    if (r < 0 || again.size != size || memcmp(again.data, bytes, size) != 0)
        return refuse(err, "statement", "not in canonical form");
    r = check_statement(document.json, &document, err);
    if (r < 0)
        return r;
    *ret_document = document;
    document.json = NULL; /* handed on */
    return 0;
}

static int accept(const void *bytes, size_t size, enum document_kind kind, struct error *err)
{
    CLEANUP_DOCUMENT struct document document = {0};

    return document_check(bytes, size, kind, &document, err);
}

int document_accept_sign_off(const void *bytes, size_t size, struct error *err)
{
    return accept(bytes, size, DOCUMENT_SIGN_OFF, err);
}

int document_accept_waiver(const void *bytes, size_t size, struct error *err)
{
    return accept(bytes, size, DOCUMENT_WAIVER, err);
}

int document_accept_release(const void *bytes, size_t size, struct error *err)
{
    return accept(bytes, size, DOCUMENT_RELEASE, err);
}
