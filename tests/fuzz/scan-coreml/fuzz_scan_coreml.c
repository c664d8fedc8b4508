/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a CoreML model. */
#include "fuzz/scan_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct scan_format *const formats[] = {&scan_format_coreml};

    return scan_format_try(formats, sizeof formats / sizeof formats[0], data, size);
}
