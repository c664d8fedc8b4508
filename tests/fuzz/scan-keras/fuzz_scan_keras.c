/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a Keras configuration, or as skops' schema. */
#include "fuzz/scan_any.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char keras[] = "{\"class_name\":\"Model\",\"config\":", skops[] = "{\"__loader__\":\"ListNode\",";

    scan_any("", 0, data, size);
    scan_any(keras, sizeof keras - 1, data, size);
    scan_any(skops, sizeof skops - 1, data, size);
    return 0;
}
