/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file that one format takes for its own, through the whole scan. */
#ifndef LAZARET_TESTS_FUZZ_SCAN_FORMAT_H
#define LAZARET_TESTS_FUZZ_SCAN_FORMAT_H

#include "guest/scan/formats.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline int scan_format_finding(void *argument, const struct scan_finding *finding, struct error *err)
{
    (void)argument;
    (void)err;
    /* What a person is shown is printable, and there. */
    for (const char *c = finding->detail; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            abort();
    if (finding->rule == NULL || finding->rule->id[0] == '\0')
        abort();
    return 0;
}

/* Files that the formats leave to others are others' to fuzz. */
static inline int scan_format_try(const struct scan_format *const *formats, size_t count, const uint8_t *data,
                                  size_t size)
{
    const struct scan_sink sink = {.finding = scan_format_finding};
    static struct scan_summary summary;
    struct source *source = source_of_memory(data, size);
    const struct scan_object object = {.source = source, .name = "", .role = SCAN_ROLE_FILE};
    bool matches = false;

    if (source == NULL)
        return 0;
    for (size_t i = 0; i < count; i++)
        matches = matches || formats[i]->match(NULL, &object) != SCAN_MATCH_NO;
    if (matches && scan_run(source, "fuzz", &sink, &summary, NULL) < 0)
        abort();
    source_free(source);
    return 0;
}

#endif
