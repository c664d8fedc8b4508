/* SPDX-License-Identifier: Apache-2.0 */
/* Any header of safetensors: the length is right where the first byte is even, else what the input says. */
#include "fuzz/scan_any.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *brace = size > 1 ? memchr(data + 1, '}', size - 1) : NULL;
    char length[8] = {0};

    if (brace == NULL || data[0] % 2 == 1) {
        scan_any("", 0, data, size);
        return 0;
    }
    while (memchr(brace + 1, '}', (size_t)(data + size - brace - 1)) != NULL)
        brace = memchr(brace + 1, '}', (size_t)(data + size - brace - 1));
    for (unsigned i = 0; i < 8; i++)
        length[i] = (char)((uint64_t)(brace - data) >> 8 * i);
    scan_any(length, sizeof length, data + 1, size - 1);
    return 0;
}
