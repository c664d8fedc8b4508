/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the leaves' content. */
#include "host/ledger/leaf.h"

#include "host/attest/base64_field.h"
#include "host/json/canonical.h"
#include "host/json/field.h"
#include "host/json/reader.h"
#include "host/ledger/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KIND_LENGTH_MAX 64u

static int read_hash(const json_t *spec, const char *key, uint8_t ret_hash[SHA256_SIZE], struct error *err)
{
    static const char *const keys[] = {"algorithm", "value", NULL};
    const char *hex;
    json_t *hash;
    int r = field_object(spec, "spec", key, &hash, err);

    if (r == 0)
        r = field_only(hash, key, keys, err);
    if (r == 0)
        r = field_exact(hash, key, "algorithm", "sha256", err);
    if (r == 0)
        r = field_string(hash, key, "value", SHA256_HEX_SIZE - 1, &hex, err);
    if (r < 0)
        return r;
    return sha256_from_hex(hex, ret_hash) == 0
               ? 0
               : error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.value: a SHA-256 in hexadecimal expected", key);
}

static int read_signature(const json_t *spec, struct error *err)
{
    static const char *const keys[] = {"signature", "verifier", NULL};
    CLEANUP_BUFFER struct buffer signature = buffer_with_limit(LEDGER_LEAF_MAX);
    CLEANUP_BUFFER struct buffer verifier = buffer_with_limit(LEDGER_LEAF_MAX);
    json_t *list;
    int r = field_array(spec, "spec", "signatures", &list, err);

    if (r < 0)
        return r;
    if (json_array_size(list) != 1)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "spec.signatures: exactly one expected");
    r = field_only(json_array_get(list, 0), "signatures[0]", keys, err);
    if (r == 0)
        r = base64_field(json_array_get(list, 0), "signatures[0]", "signature", &signature, err);
    return r < 0 ? r : base64_field(json_array_get(list, 0), "signatures[0]", "verifier", &verifier, err);
}

static int read_dsse(const json_t *spec, struct leaf *ret_leaf, struct error *err)
{
    static const char *const keys[] = {"envelopeHash", "payloadHash", "signatures", NULL};
    int r = field_only(spec, "spec", keys, err);

    if (r == 0)
        r = read_hash(spec, "envelopeHash", ret_leaf->envelope, err);
    if (r == 0)
        r = read_hash(spec, "payloadHash", ret_leaf->payload, err);
    return r < 0 ? r : read_signature(spec, err);
}

static int read_intent(const json_t *spec, struct leaf *ret_leaf, struct error *err)
{
    static const char *const keys[] = {"data", "job", "model", "policy", NULL};
    const char *job = NULL;
    int r = field_only(spec, "spec", keys, err);

    if (r == 0)
        r = field_string(spec, "spec", "job", LEAF_NONCE_MAX, &job, err);
    if (r == 0)
        r = read_hash(spec, "model", ret_leaf->model, err);
    if (r == 0)
        r = read_hash(spec, "data", ret_leaf->data, err);
    if (r == 0)
        r = read_hash(spec, "policy", ret_leaf->policy, err);
    if (r == 0)
        (void)snprintf(ret_leaf->job, sizeof ret_leaf->job, "%s", job);
    return r;
}

/* Nobody else's reader may see another leaf in the same bytes. */
static int check_canonical(const json_t *json, const void *leaf, size_t size, const char *where, struct error *err)
{
    CLEANUP_BUFFER struct buffer again = buffer_with_limit(LEDGER_LEAF_MAX);

    if (json_canonical_encode(json, &again) < 0 || again.size != size || memcmp(again.data, leaf, size) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: not in canonical form", where);
    return 0;
}

int ledger_leaf_read(const void *leaf, size_t size, const char *where, struct leaf *ret_leaf, struct error *err)
{
    static const char *const keys[] = {"apiVersion", "kind", "spec", NULL};
    static const char *const kinds[] = {LEAF_DSSE_KIND, LEAF_INTENT_KIND, NULL};
    CLEANUP_JSON json_t *json = NULL;
    struct leaf found = {0};
    unsigned kind = 0;
    json_t *spec;
    int r = json_read(leaf, size, LEDGER_LEAF_MAX, where, &json, err);

    if (r == 0)
        r = check_canonical(json, leaf, size, where, err);
    if (r == 0)
        r = field_only(json, where, keys, err);
    if (r == 0)
        r = field_exact(json, where, "apiVersion", LEAF_API_VERSION, err);
    if (r == 0)
        r = field_choice(json, where, "kind", kinds, &kind, err);
    if (r == 0)
        r = field_object(json, where, "spec", &spec, err);
    if (r < 0)
        return r;
    found.kind = (enum leaf_kind)kind;
    r = found.kind == LEAF_DSSE ? read_dsse(spec, &found, err) : read_intent(spec, &found, err);
    if (r == 0)
        *ret_leaf = found;
    return r;
}

int ledger_leaf_parse(const void *leaf, size_t size, const char *where, json_t **ret_json, const char **ret_kind,
                      const char **ret_version, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int r = json_read(leaf, size, LEDGER_LEAF_MAX, where, &json, err);

    if (r == 0)
        r = field_string(json, where, "kind", KIND_LENGTH_MAX, ret_kind, err);
    if (r == 0)
        r = field_string(json, where, "apiVersion", KIND_LENGTH_MAX, ret_version, err);
    if (r == 0)
        *ret_json = TAKE_POINTER(json);
    return r;
}
