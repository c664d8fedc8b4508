/* SPDX-License-Identifier: Apache-2.0 */
/* Where the model comes from, in a statement. */
#include "host/attest/statement_provenance.h"

#include "host/attest/statement.h"
#include "host/attest/text.h"
#include "host/attest/uri.h"
#include "host/json/digest.h"
#include "host/json/field.h"

#include <errno.h>
#include <string.h>

static int refuse(struct error *err, const char *where, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: %s", where, what);
}

int statement_add_provenance(json_t *extension, const struct statement_provenance *provenance, const char *source)
{
    json_t *member;

    if (source != NULL && json_object_set_new(extension, "source", json_string(source)) < 0)
        return -ENOMEM;
    if (provenance == NULL)
        return 0;
    member = json_pack("{s:s, s:o, s:I}", "method", provenance->identity != NULL ? "certificate" : "key", "model",
                       json_new_digest(provenance->model), "files", (json_int_t)provenance->files);
    if (json_object_set_new(extension, "provenance", member) < 0)
        return -ENOMEM;
    if (provenance->identity == NULL)
        return 0;
    return json_object_set_new(member, "identity", json_string(provenance->identity)) < 0 ? -ENOMEM : 0;
}

static bool has_word(const json_t *extension, const char *word)
{
    const json_t *list = json_object_get(extension, "hostVerified");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (text != NULL && strcmp(text, word) == 0)
            return true;
    }
    return false;
}

static bool names(const json_t *configuration, const char *name)
{
    uint8_t sha256[SHA256_SIZE];

    return statement_find_resource(configuration, name, sha256) == 0;
}

static int check_member(const json_t *provenance, const json_t *configuration, struct error *err)
{
    static const char *const keys[] = {"method", "model", "files", "identity", NULL};
    static const char *const methods[] = {"key", "certificate", NULL};
    uint8_t sha256[SHA256_SIZE];
    const char *model, *identity = "";
    unsigned method = 0;
    int64_t files;
    int r = field_only(provenance, "provenance", keys, err);

    if (r == 0)
        r = field_choice(provenance, "provenance", "method", methods, &method, err);
    if (r == 0)
        r = field_string(provenance, "provenance", "model", SHA256_HEX_SIZE - 1, &model, err);
    if (r == 0)
        r = field_integer(provenance, "provenance", "files", 1, UINT32_MAX, &files, err);
    if (r == 0 && method == 1)
        r = field_string(provenance, "provenance", "identity", STATEMENT_IDENTITY_MAX, &identity, err);
    if (r < 0)
        return r;
    if (sha256_from_hex(model, sha256) < 0)
        return refuse(err, "provenance.model", "64 lowercase hexadecimal digits expected");
    if (!text_is_printable(identity))
        return refuse(err, "provenance.identity", "holds a control character");
    if ((json_object_get(provenance, "identity") != NULL) != (method == 1))
        return refuse(err, "provenance.identity", "goes with a certificate, and only with one");
    if (!names(configuration, STATEMENT_SIGNATURE) || names(configuration, STATEMENT_TRUSTED_KEY) != (method == 0) ||
        names(configuration, STATEMENT_TRUSTED_CA) != (method == 1) ||
        names(configuration, STATEMENT_SIGNING_CERTIFICATE) != (method == 1))
        return refuse(err, "configuration", "names the model's signature and who made it, as the method has it");
    return 0;
}

int statement_check_provenance(const json_t *extension, const json_t *configuration, struct error *err)
{
    const json_t *provenance = json_object_get(extension, "provenance");
    const char *source;
    int r = 0;

    if (json_object_get(extension, "source") != NULL) {
        r = field_string(extension, "extension", "source", URI_SIZE_MAX, &source, err);
        if (r == 0 && uri_check(source, "source", NULL) < 0)
            r = refuse(err, "source", "an absolute URI without a password expected");
    }
    if (r == 0 && (provenance != NULL) != has_word(extension, STATEMENT_WORD_PROVENANCE))
        r = refuse(err, "provenance", "goes with the word in hostVerified, and only with it");
    if (r == 0 && has_word(extension, STATEMENT_WORD_CHECKSUMS) && !names(configuration, STATEMENT_CHECKSUMS))
        r = refuse(err, "configuration", "names the checksums that were verified");
    if (r == 0 && provenance != NULL)
        return check_member(provenance, configuration, err);
    if (r == 0 && (names(configuration, STATEMENT_TRUSTED_KEY) || names(configuration, STATEMENT_TRUSTED_CA) ||
                   names(configuration, STATEMENT_SIGNING_CERTIFICATE)))
        r = refuse(err, "configuration", "names who signed the model, although no signature was verified");
    return r;
}
