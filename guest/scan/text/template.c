/* SPDX-License-Identifier: Apache-2.0 */
/* The format of template files, and what is found in any template. */
#include "guest/scan/text/template.h"

#include "guest/scan/formats.h"
#include "guest/scan/reader.h"
#include "guest/scan/text.h"
#include "guest/scan/text/jinja.h"

#include <errno.h>
#include <stdlib.h>

#define SHOWN         60u           /* bytes of the place that a finding shows */
#define TEMPLATE_MAX  (1024 * 1024) /* bytes of a template file; the longest known are about 30 KiB */
#define SNIFFED_BYTES 16384u        /* where a template file has its first block */

/* By trait of jinja.h. */
static const struct scan_rule template_rules[JINJA_TRAIT_COUNT] = {
    [JINJA_INTERNALS] = {"template-internals", SCAN_HIGH,
                         "When the template is rendered it walks Python's inner attributes to run code."},
    [JINJA_COMPUTED] = {"template-computed", SCAN_HIGH,
                        "When the template is rendered it takes attributes by names that it hides."},
    [JINJA_CALL] = {"template-call", SCAN_HIGH,
                    "When the template is rendered it calls what runs commands or opens files."},
    [JINJA_INCLUDE] = {"template-include", SCAN_MEDIUM,
                       "When the template is rendered it reads another file of the machine as a template."},
    [JINJA_ODD] = {"template-odd", SCAN_MEDIUM, "The template uses what chat templates have no need for."},
    [JINJA_BOMB] = {"template-bomb", SCAN_MEDIUM, "When the template is rendered it takes a lot of time or memory."},
};

int template_find(struct scan *scan, const struct scan_object *object, const void *bytes, size_t size, uint64_t offset,
                  bool exact, struct error *err)
{
    struct jinja jinja;

    if (!jinja_has_blocks(bytes, size))
        return 0;
    jinja_judge(bytes, size, &jinja);
    for (unsigned i = 0; i < JINJA_TRAIT_COUNT; i++) {
        size_t at = jinja.traits[i].offset;
        int r;

        if (!jinja.traits[i].found)
            continue;
        r = scan_find(scan, object, &template_rules[i], offset + (exact ? at : 0), err, "%s: %s", jinja.traits[i].what,
                      TEXT((const char *)bytes + at, size - at < SHOWN ? size - at : SHOWN));
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- files ------------------------------------------------------------------------------------------------ */

static enum scan_match match_template(struct scan *scan, const struct scan_object *object)
{
    const uint8_t *bytes;
    size_t size;

    if (scan_is_recognised(scan) || object->role == SCAN_ROLE_PICKLE || object->role == SCAN_ROLE_WEIGHTS)
        return SCAN_MATCH_NO;
    if (source_view(object->source, 0, SNIFFED_BYTES, &bytes, &size, NULL) < 0)
        return SCAN_MATCH_NO;
    if (size > SNIFFED_BYTES)
        size = SNIFFED_BYTES;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] < ' ' && bytes[i] != '\n' && bytes[i] != '\r' && bytes[i] != '\t' && bytes[i] != '\f')
            return SCAN_MATCH_NO;
    return jinja_has_blocks(bytes, size) ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

static int scan_template_of(struct scan *scan, const struct scan_object *object, uint64_t size, struct error *err)
{
    CLEANUP_FREE uint8_t *bytes = malloc((size_t)size);
    struct error cause = {0};
    int r;

    if (bytes == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a template");
    r = source_copy(object->source, 0, bytes, (size_t)size, &cause);
    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, &cause);
        return 0;
    }
    scan_looked(scan, size);
    return template_find(scan, object, bytes, (size_t)size, 0, true, err);
}

/* Whether it is a template or a text with braces, it is left to the formats of text to say what it is. */
static int scan_template(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct error cause = {0};
    uint64_t size;
    int r = source_size(object->source, &size, &cause);

    (void)ret_recognised;
    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, &cause);
        return 0;
    }
    if (size > TEMPLATE_MAX) {
        scan_skipped(scan, object, SCAN_GAP_BUDGET, TEMPLATE_MAX, size - TEMPLATE_MAX, "%s", "a template of this size");
        size = TEMPLATE_MAX;
    }
    r = scan_reserve(scan, size, &cause);
    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, &cause);
        return 0;
    }
    r = scan_template_of(scan, object, size, err);
    scan_release(scan, size);
    return r;
}

const struct scan_format scan_format_template = {.name = "template",
                                                 .rules = template_rules,
                                                 .rule_count = JINJA_TRAIT_COUNT,
                                                 .match = match_template,
                                                 .scan = scan_template};
