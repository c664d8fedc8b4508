/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an HDF5 file. */
#include "fuzz/scan_any.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scan_any("", 0, data, size);
    return 0;
}
