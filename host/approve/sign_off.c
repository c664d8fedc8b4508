/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures into files. */
#include "host/approve/sign_off.h"

#include "host/approve/folder.h"
#include "host/attest/bundle.h"
#include "host/attest/dsse.h"
#include "host/attest/envelope.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

int sign_off_write_bundle(int folder_fd, const char *name, const struct buffer *payload,
                          const struct sign_off_signature *signature, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    struct bundle bundle = {.payload = *payload, .signature_size = signature->size}; /* borrowed, never freed */
    int r;

    memcpy(bundle.signature, signature->bytes, sizeof bundle.signature);
    memcpy(bundle.fingerprint, signature->fingerprint, SHA256_SIZE);
    r = bundle_encode(&bundle, &text);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory for %s", name);
    return folder_write(folder_fd, name, text.data, text.size, err);
}

/* Adds the bundle's signature where it is of the statement. */
static int add_signature(const char *directory, const struct folder_file *file, const struct buffer *statement,
                         struct envelope_signature signatures[ENVELOPE_SIGNATURES_MAX], size_t *count)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_BUNDLE struct bundle bundle = {0};

    if (folder_read(directory, file->name, &text, NULL) < 0 ||
        bundle_decode(text.data, text.size, file->name, &bundle, NULL) < 0 || bundle.payload.size != statement->size ||
        memcmp(bundle.payload.data, statement->data, statement->size) != 0 || *count == ENVELOPE_SIGNATURES_MAX)
        return -EBADMSG;
    memcpy(signatures[*count].bytes, bundle.signature, bundle.signature_size);
    signatures[(*count)++].size = bundle.signature_size;
    return 0;
}

int sign_off_encode_envelope(const char *directory, const struct buffer *statement, struct buffer *ret_text,
                             struct error *err)
{
    CLEANUP_FREE struct envelope_signature *signatures = calloc(ENVELOPE_SIGNATURES_MAX, sizeof *signatures);
    CLEANUP_FREE struct folder_list *list = malloc(sizeof *list);
    CLEANUP_JSON json_t *envelope = NULL;
    size_t count = 0;
    int r;

    if (signatures == NULL || list == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for " FOLDER_ENVELOPE);
    r = folder_list(directory, list, err);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < list->count; i++)
        if (!list->files[i].is_waiver && !list->files[i].is_ssh)
            (void)add_signature(directory, &list->files[i], statement, signatures, &count);
    if (count == 0)
        return 0;
    envelope = envelope_new(statement->data, statement->size, DSSE_PAYLOAD_TYPE, signatures, count);
    r = envelope != NULL ? json_canonical_encode(envelope, ret_text) : -ENOMEM;
    if (r == 0)
        r = buffer_append_u8(ret_text, '\n');
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no memory for " FOLDER_ENVELOPE) : 0;
}

static bool has_element(const json_t *list, const json_t *element, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (json_equal(json_array_get(list, i), element))
            return true;
    return false;
}

/* Whether `found` is `expected` with some signatures left out. */
static bool is_part(const json_t *found, const json_t *expected)
{
    const json_t *signatures = json_object_get(found, "signatures"), *all = json_object_get(expected, "signatures");

    if (json_object_size(found) != json_object_size(expected) || !json_is_array(signatures) ||
        !json_equal(json_object_get(found, "payload"), json_object_get(expected, "payload")) ||
        !json_equal(json_object_get(found, "payloadType"), json_object_get(expected, "payloadType")))
        return false;
    for (size_t i = 0; i < json_array_size(signatures); i++) {
        const json_t *signature = json_array_get(signatures, i);

        if (!has_element(all, signature, json_array_size(all)) || has_element(signatures, signature, i))
            return false;
    }
    return json_array_size(signatures) > 0;
}

int sign_off_judge_envelope(const char *directory, const struct buffer *statement, const struct buffer *found,
                            enum sign_off_envelope *ret_envelope, struct error *err)
{
    CLEANUP_BUFFER struct buffer expected = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_JSON json_t *found_json = NULL, *expected_json = NULL;
    int r = sign_off_encode_envelope(directory, statement, &expected, err);

    if (r < 0)
        return r;
    *ret_envelope = SIGN_OFF_ENVELOPE_DIFFERS;
    if (found->size == expected.size && found->size > 0 && memcmp(found->data, expected.data, found->size) == 0)
        *ret_envelope = SIGN_OFF_ENVELOPE_WHOLE;
    else if (json_read(found->data, found->size, BUNDLE_SIZE_MAX, FOLDER_ENVELOPE, &found_json, NULL) == 0 &&
             json_read(expected.data, expected.size, BUNDLE_SIZE_MAX, FOLDER_ENVELOPE, &expected_json, NULL) == 0 &&
             json_array_size(json_object_get(found_json, "signatures")) <
                 json_array_size(json_object_get(expected_json, "signatures")) &&
             is_part(found_json, expected_json))
        *ret_envelope = SIGN_OFF_ENVELOPE_LACKS;
    return 0;
}

int sign_off_write_envelope(int folder_fd, const char *directory, const struct buffer *statement, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    int r = sign_off_encode_envelope(directory, statement, &text, err);

    if (r < 0)
        return r;
    return text.size == 0 ? folder_remove(folder_fd, FOLDER_ENVELOPE, err)
                          : folder_write(folder_fd, FOLDER_ENVELOPE, text.data, text.size, err);
}

int sign_off_remove_all(int folder_fd, const char *directory, struct error *err)
{
    CLEANUP_FREE struct folder_list *list = malloc(sizeof *list);
    int r = list != NULL ? folder_list(directory, list, err)
                         : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the sign-offs");

    if (r == 0)
        r = folder_remove(folder_fd, FOLDER_ENVELOPE, err);
    for (unsigned i = 0; r == 0 && i < list->count; i++)
        if (!list->files[i].is_waiver)
            r = folder_remove(folder_fd, list->files[i].name, err);
    return r == 0 ? folder_remove(folder_fd, FOLDER_STATEMENT, err) : r;
}
