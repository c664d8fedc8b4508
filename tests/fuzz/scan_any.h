/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target of a scanned format asks: any bytes get a verdict, and nothing is an error. */
#ifndef LAZARET_TESTS_FUZZ_SCAN_ANY_H
#define LAZARET_TESTS_FUZZ_SCAN_ANY_H

#include "guest/scan/scan.h"

#include <stdlib.h>
#include <string.h>

static inline int scan_any_check(void *argument, const struct scan_finding *finding, struct error *err)
{
    (void)argument;
    (void)err;
    if (finding->rule == NULL || finding->detail == NULL || strlen(finding->detail) >= SCAN_DETAIL_MAX)
        abort();
    return 0;
}

/* Scans the bytes; where `first` is not empty it stands before them, so that the format is the one meant. */
static inline void scan_any(const char *first, size_t first_size, const uint8_t *data, size_t size)
{
    const struct scan_sink sink = {.finding = scan_any_check};
    CLEANUP_FREE uint8_t *bytes = malloc(first_size + size + 1);
    struct scan_summary summary;
    CLEANUP_SOURCE struct source *source = NULL;

    if (bytes == NULL)
        return;
    memcpy(bytes, first, first_size);
    if (size > 0)
        memcpy(bytes + first_size, data, size);
    source = source_of_memory(bytes, first_size + size);
    if (source == NULL || scan_run(source, "fuzz", &sink, &summary, NULL) < 0 || summary.verdict >= SCAN_VERDICT_COUNT)
        abort();
}

#endif
