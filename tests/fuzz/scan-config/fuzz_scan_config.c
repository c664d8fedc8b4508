/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file: configurations, pages, programs, media and the smaller containers tell themselves apart. */
#include "fuzz/scan_any.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scan_any("", 0, data, size);
    return 0;
}
