/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes behind the first two pickles of PyTorch's older files: the magic number and the version. */
#include "fuzz/scan_any.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char first[] = "\x80\2\x8a\n\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3.";

    scan_any(first, sizeof first - 1, data, size);
    return 0;
}
