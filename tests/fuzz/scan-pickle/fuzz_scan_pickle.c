/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file that may be a pickle: the verdict follows from findings and gaps, and repeats. */
#include "guest/scan/scan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int see(void *argument, const struct scan_finding *finding, struct error *err)
{
    uint64_t *hash = argument;

    (void)err;
    if (finding->context_count > SCAN_CONTEXT_MAX || finding->detail == NULL || finding->member == NULL)
        abort();
    for (uint32_t i = 0; i < finding->context_count; i++)
        if (memchr(finding->context[i], '\0', SCAN_CONTEXT_LINE) == NULL)
            abort();
    *hash = (*hash ^ finding->offset) * UINT64_C(0x100000001b3);
    return 0;
}

static uint64_t scan(const uint8_t *data, size_t size, struct scan_summary *ret_summary)
{
    uint64_t hash = 0;
    const struct scan_sink sink = {.finding = see, .argument = &hash};
    CLEANUP_SOURCE struct source *source = source_of_memory(data, size);

    if (source == NULL || scan_run(source, "fuzz", &sink, ret_summary, NULL) < 0)
        abort();
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scan_summary first, second;

    if (scan(data, size, &first) != scan(data, size, &second) || first.verdict != second.verdict)
        abort();
    if (first.verdict == SCAN_ALLOWED && first.counts[SCAN_HIGH] + first.counts[SCAN_CRITICAL] > 0)
        abort();
    return 0;
}
