/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes behind the magic of an array file; and as the text of its header. */
#include "fuzz/scan_any.h"

#include "guest/scan/npy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct npy_header header;
    uint64_t bytes;

    scan_any("\x93NUMPY", 6, data, size);
    if (npy_header_parse((const char *)data, size, &header) == NPY_HEADER_WHOLE) {
        if (header.rank > NPY_RANK_MAX || header.offset > size)
            abort();
        (void)npy_header_size(&header, &bytes);
    }
    return 0;
}
