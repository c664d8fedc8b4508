/* SPDX-License-Identifier: Apache-2.0 */
/* The .npy header: what is accepted keeps every limit that the readers rely on. */
#include "host/data/npy.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct npy_header header;
    struct error err = {0};
    size_t preamble;
    uint64_t elements = 1;

    if (size >= NPY_PREFIX_SIZE && npy_preamble_size(data, &preamble, &err) == 0 &&
        (preamble < NPY_PREFIX_SIZE || preamble > NPY_PREAMBLE_MAX))
        abort();
    if (npy_parse(data, size, &header, &err) < 0) {
        if (err.kind != ERROR_BAD_INPUT || err.text[0] == '\0')
            abort();
        return 0;
    }
    if (header.rank > NPY_RANK_MAX || header.type >= NPY_TYPE_COUNT || header.item_size == 0 || header.item_size > 8)
        abort();
    for (uint32_t i = 0; i < header.rank; i++)
        if (__builtin_mul_overflow(elements, header.dims[i], &elements))
            abort();
    if (elements != header.elements || elements > (UINT64_MAX >> 1) / 8)
        abort();
    return 0;
}
