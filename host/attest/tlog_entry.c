/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a log entry. */
#include "host/attest/tlog_entry.h"

#include "host/json/field.h"

#include <errno.h>

/* An object of these strings and no others, except those that the caller looks at itself. */
static int check_strings(const json_t *object, const char *where, const char *const *keys, const char *const *others,
                         struct error *err)
{
    const char *all[8] = {NULL}, *text;
    size_t count = 0;
    int r;

    for (size_t i = 0; keys[i] != NULL; i++)
        all[count++] = keys[i];
    for (size_t i = 0; others[i] != NULL; i++)
        all[count++] = others[i];
    r = field_only(object, where, all, err);
    for (size_t i = 0; r == 0 && keys[i] != NULL; i++)
        r = field_string(object, where, keys[i], TLOG_ENTRY_TEXT_MAX, &text, err);
    return r;
}

static int check_member(const json_t *object, const char *where, const char *key, const char *const *keys,
                        struct error *err)
{
    static const char *const none[] = {NULL};
    json_t *member;
    int r = field_object(object, where, key, &member, err);

    return r < 0 ? r : check_strings(member, key, keys, none, err);
}

static int check_proof(const json_t *entry, struct error *err)
{
    static const char *const strings[] = {"logIndex", "rootHash", "treeSize", NULL};
    static const char *const others[] = {"hashes", "checkpoint", NULL};
    static const char *const checkpoint[] = {"envelope", NULL};
    json_t *proof, *hashes;
    int r = field_object(entry, "tlogEntry", "inclusionProof", &proof, err);

    if (r == 0)
        r = check_strings(proof, "inclusionProof", strings, others, err);
    if (r == 0)
        r = check_member(proof, "inclusionProof", "checkpoint", checkpoint, err);
    if (r == 0)
        r = field_array(proof, "inclusionProof", "hashes", &hashes, err);
    if (r < 0)
        return r;
    if (json_array_size(hashes) > TLOG_ENTRY_HASHES_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "inclusionProof.hashes: at most %u expected",
                         TLOG_ENTRY_HASHES_MAX);
    for (size_t i = 0; i < json_array_size(hashes); i++)
        if (!json_is_string(json_array_get(hashes, i)))
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "inclusionProof.hashes[%zu]: a string expected", i);
    return 0;
}

int tlog_entry_check_form(const json_t *entry, struct error *err)
{
    static const char *const strings[] = {"logIndex", "canonicalizedBody", NULL};
    static const char *const others[] = {"logId", "kindVersion", "integratedTime", "inclusionProof", NULL};
    static const char *const id[] = {"keyId", NULL}, *const kind[] = {"kind", "version", NULL};
    const char *time;
    int r = check_strings(entry, "tlogEntry", strings, others, err);

    if (r == 0 && json_object_get(entry, "integratedTime") != NULL)
        r = field_string(entry, "tlogEntry", "integratedTime", TLOG_ENTRY_TEXT_MAX, &time, err);
    if (r == 0)
        r = check_member(entry, "tlogEntry", "logId", id, err);
    if (r == 0)
        r = check_member(entry, "tlogEntry", "kindVersion", kind, err);
    return r == 0 ? check_proof(entry, err) : r;
}
