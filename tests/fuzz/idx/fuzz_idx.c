/* SPDX-License-Identifier: Apache-2.0 */
/* A whole IDX file, plain or gzip: what its header promises is read, and no more. */
#include "host/data/idx.h"

#include <string.h>
#include <sys/mman.h>

#define FUZZ_BYTES_MAX ((uint64_t)1 << 16) /* of elements: a small bomb is enough */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct idx *idx, struct error *err)
{
    const struct npy_header *header = idx_header(idx);
    uint64_t left = header->elements;
    uint8_t block[4096];
    float values[4096];

    if (header->rank == 0 || header->rank > NPY_RANK_MAX || header->item_size == 0 || header->item_size > 8)
        abort();
    if (header->elements > FUZZ_BYTES_MAX / header->item_size)
        return;
    while (left > 0) {
        size_t count = left < sizeof block / header->item_size ? (size_t)left : sizeof block / header->item_size;

        if (idx_read(idx, block, count, err) < 0)
            return;
        npy_to_f32(header->type, block, count, values);
        left -= count;
    }
    (void)!idx_finish(idx, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FD int fd = memfd_create("fuzz.idx", MFD_CLOEXEC);
    struct error err = {0};
    struct idx *idx;

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    if (idx_open(fd, size, &idx, &err) == 0) {
        read_all(idx, &err);
        idx_close(idx);
    } else if (err.kind == ERROR_NONE || err.text[0] == '\0') {
        abort();
    }
    return 0;
}
