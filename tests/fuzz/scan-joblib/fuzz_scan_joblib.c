/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes behind opcodes that make one of joblib's wrappers, up to its state. */
#include "fuzz/scan_any.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char first[] = "\x80\2cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(";

    scan_any(first, sizeof first - 1, data, size);
    scan_any("", 0, data, size);
    return 0;
}
