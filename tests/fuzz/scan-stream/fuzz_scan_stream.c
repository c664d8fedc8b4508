/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a compressed stream: the first byte chooses the magic. */
#include "fuzz/scan_any.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *bytes;
        size_t size;
    } magics[] = {
        {"", 0},
        {"\x1f\x8b\x08", 3},
        {"BZh91AY&SY", 10},
        {"\xfd\x37zXZ\0\0\4\xe6\xd6\xb4\x46", 12},
        {"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0", 14},
        {"\x04\x22\x4d\x18", 4},
        {"\x02\x21\x4c\x18", 4},
        {"\x28\xb5\x2f\xfd", 4},
        {"\x78\x9c", 2},
        {"ZF0x64               \x78\x9c", 23},
    };
    size_t kind;

    if (size == 0)
        return 0;
    kind = data[0] % (sizeof magics / sizeof magics[0]);
    scan_any(magics[kind].bytes, magics[kind].size, data + 1, size - 1);
    return 0;
}
