/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret ledger audit --json */
#include "host/cli/ledger_audit_json.h"

#include "host/attest/text.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define AUDIT_JSON_MAX ((size_t)2 << 30) /* AUDIT_INTENTS_MAX intents of some 200 bytes, and the results */

/* A path is whatever bytes somebody typed. */
static json_t *new_path(const char *path)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit((size_t)4 * PATH_MAX);

    return text_escape(path, (size_t)4 * PATH_MAX, &shown) < 0 ? NULL
                                                               : json_stringn((const char *)shown.data, shown.size);
}

static json_t *new_digest(const uint8_t digest[SHA256_SIZE])
{
    char hex[SHA256_HEX_SIZE];

    sha256_to_hex(digest, hex);
    return json_string(hex);
}

static json_t *new_intent(const struct audit_intent *intent)
{
    const struct audit_result *result = intent->result;
    json_t *json = json_pack("{s:I, s:s, s:o}", "index", (json_int_t)intent->index, "job", intent->job, "model",
                             new_digest(intent->model));

    if (json != NULL &&
        json_object_set_new(json, "result",
                            result == NULL
                                ? json_null()
                                : json_pack("{s:s, s:I, s:o}", "outcome", outcome_names[result->outcome], "leaf",
                                            (json_int_t)result->leaf, "path", new_path(result->path))) == 0)
        return json;
    json_decref(json);
    return NULL;
}

static json_t *new_document(const struct audit *audit, uint64_t at_hand)
{
    const struct checkpoint *checkpoint = &audit->verified.checkpoint;
    json_t *intents = json_array(), *mismatches = json_array();
    int r = 0;

    for (size_t i = 0; r == 0 && i < audit->intent_count; i++)
        r = json_array_append_new(intents, new_intent(&audit->intents[i]));
    for (size_t i = 0; r == 0 && i < audit->result_count; i++)
        if (audit->results[i].problem[0] != '\0')
            r = json_array_append_new(mismatches, json_pack("{s:o, s:s}", "path", new_path(audit->results[i].path),
                                                            "problem", audit->results[i].problem));
    if (r < 0) {
        json_decref(intents);
        json_decref(mismatches);
        return NULL;
    }
    return json_pack("{s:{s:s, s:I, s:o}, s:o, s:I, s:o, s:{s:I, s:I}, s:I}", "ledger", "origin", checkpoint->origin,
                     "size", (json_int_t)checkpoint->size, "root", new_digest(checkpoint->root), "intents", intents,
                     "answered", (json_int_t)audit->answered, "mismatches", mismatches, "results", "logged",
                     (json_int_t)audit->logged, "atHand", (json_int_t)at_hand, "others", (json_int_t)audit->others);
}

int ledger_audit_print_json(const struct audit *audit, uint64_t at_hand, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(AUDIT_JSON_MAX);
    CLEANUP_JSON json_t *document = new_document(audit, at_hand);
    int r = document == NULL ? -ENOMEM : json_canonical_encode(document, &text);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory for the audit");
    (void)fwrite(text.data, 1, text.size, stdout);
    (void)putchar('\n');
    return 0;
}
