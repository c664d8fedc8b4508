/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a 7z's header, which is what is parsed: a signature header that points at all of them. The fuzzer need
 * not find the offsets and magic, nor the packed bytes' place.
 */
#include "fuzz/scan_any.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char first[32] = "7z\xbc\xaf\x27\x1c\0\4";

    for (unsigned i = 0; i < 8; i++)
        first[20 + i] = (char)(size >> 8 * i);
    scan_any(first, sizeof first, data, size);
    if (size > 32) /* and as a whole archive */
        scan_any("7z\xbc\xaf\x27\x1c", 6, data + 6, size - 6);
    return 0;
}
