/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a tar, whose headers' checksums are set right so that what is behind them is reached. */
#include "fuzz/scan_any.h"

#include <stdio.h>

#define BLOCK  512u
#define SUM_AT 148u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend(uint8_t *block)
{
    char sum[8] = "";
    unsigned total = 0;

    memset(block + SUM_AT, ' ', sizeof sum);
    for (unsigned i = 0; i < BLOCK; i++)
        total += block[i];
    (void)snprintf(sum, sizeof sum, "%06o", total);
    memcpy(block + SUM_AT, sum, sizeof sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE uint8_t *bytes = malloc(size + 1);

    if (bytes == NULL)
        return 0;
    memcpy(bytes, data, size);
    for (size_t at = 0; at + BLOCK <= size; at += BLOCK)
        if (bytes[at + SUM_AT + 7] == ' ') /* the fuzzer's choice: a header or not */
            mend(bytes + at);
    scan_any("", 0, bytes, size);
    return 0;
}
