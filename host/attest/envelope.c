/* SPDX-License-Identifier: Apache-2.0 */
/* The DSSE envelope. */
#include "host/attest/envelope.h"

#include "host/attest/base64_field.h"
#include "host/json/field.h"
#include "host/json/reader.h"

#include <errno.h>
#include <string.h>

json_t *envelope_new(const void *payload, size_t size, const char *payload_type,
                     const struct envelope_signature *signatures, size_t count)
{
    CLEANUP_JSON json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(list,
                                  json_pack("{s:o, s:s}", "sig",
                                            base64_new_json(signatures[i].bytes, signatures[i].size), "keyid", "")) < 0)
            return NULL;
    return json_pack("{s:o, s:s, s:O}", "payload", base64_new_json(payload, size), "payloadType", payload_type,
                     "signatures", list);
}

static int read_keyid(const json_t *signature, bool foreign, struct error *err)
{
    const json_t *keyid = json_object_get(signature, "keyid");

    if (foreign && (keyid == NULL || json_is_null(keyid) ||
                    (json_is_string(keyid) && json_string_length(keyid) <= ENVELOPE_KEYID_MAX)))
        return 0;
    if (!json_is_string(keyid) || json_string_length(keyid) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "signatures[].keyid: %s expected",
                         foreign ? "a short string" : "an empty string");
    return 0;
}

static int read_signature(const json_t *signature, bool foreign, struct envelope_signature *ret_signature,
                          struct error *err)
{
    static const char *const keys[] = {"sig", "keyid", NULL};
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(ENVELOPE_SIGNATURE_MAX);
    int r = field_only(signature, "signatures[]", keys, err);

    if (r == 0)
        r = base64_field(signature, "signatures[]", "sig", &bytes, err);
    if (r == 0)
        r = read_keyid(signature, foreign, err);
    if (r < 0)
        return r;
    memcpy(ret_signature->bytes, bytes.data, bytes.size);
    ret_signature->size = bytes.size;
    return 0;
}

static int read_signatures(const json_t *json, const char *where, const struct envelope_form *form,
                           struct envelope *ret_envelope, struct error *err)
{
    json_t *list;
    size_t count, max = form->signatures_max < ENVELOPE_SIGNATURES_MAX ? form->signatures_max : ENVELOPE_SIGNATURES_MAX;
    int r = field_array(json, where, "signatures", &list, err);

    if (r < 0)
        return r;
    count = json_array_size(list);
    if (count == 0 || count > max)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.signatures: %s%zu expected, not %zu", where,
                         max == 1 ? "exactly " : "1 to ", max, count);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = read_signature(json_array_get(list, i), form->foreign, &ret_envelope->signatures[i], err);
    if (r == 0)
        ret_envelope->signature_count = count;
    return r;
}

int envelope_read(const json_t *json, const char *where, const struct envelope_form *form,
                  struct envelope *ret_envelope, struct error *err)
{
    static const char *const keys[] = {"payload", "payloadType", "signatures", NULL};
    CLEANUP_ENVELOPE struct envelope envelope = {.payload = buffer_with_limit(form->payload_max)};
    int r = field_only(json, where, keys, err);

    if (r == 0)
        r = field_exact(json, where, "payloadType", form->payload_type, err);
    if (r == 0)
        r = base64_field(json, where, "payload", &envelope.payload, err);
    if (r == 0)
        r = read_signatures(json, where, form, &envelope, err);
    if (r < 0)
        return r;
    *ret_envelope = envelope;
    envelope.payload = buffer_with_limit(0); /* handed on */
    return 0;
}

void envelope_free(struct envelope *envelope)
{
    buffer_free(&envelope->payload);
}
