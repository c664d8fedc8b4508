/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes behind GGUF's magic. */
#include "fuzz/scan_any.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scan_any("GGUF", 4, data, size);
    return 0;
}
