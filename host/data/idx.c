/* SPDX-License-Identifier: Apache-2.0 */
/* One IDX file, plain or gzip. */
#include "host/data/idx.h"

#include "base/cursor.h"
#include "host/data/inflate.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct idx {
    struct inflate *stream;
    struct npy_header header;
    uint64_t left; /* bytes of elements not read yet */
};

/* The format's type byte; 0x0a has no meaning. */
static bool type_of(uint8_t code, enum npy_type *ret_type, uint32_t *ret_size)
{
    static const struct {
        uint8_t code;
        enum npy_type type;
        uint32_t size;
    } types[] = {{0x08, NPY_U1, 1}, {0x09, NPY_I1, 1}, {0x0b, NPY_I2, 2},
                 {0x0c, NPY_I4, 4}, {0x0d, NPY_F4, 4}, {0x0e, NPY_F8, 8}};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].code == code) {
            *ret_type = types[i].type;
            *ret_size = types[i].size;
            return true;
        }
    return false;
}

bool idx_is(const uint8_t magic[4])
{
    enum npy_type type;
    uint32_t size;

    return magic[0] == 0 && magic[1] == 0 && type_of(magic[2], &type, &size) && magic[3] > 0;
}

static int read_u32be(struct cursor *cursor, uint32_t *ret_value)
{
    uint32_t value;
    int r = cursor_read_u32le(cursor, &value);

    if (r == 0)
        *ret_value = __builtin_bswap32(value);
    return r;
}

int idx_parse(const uint8_t *bytes, size_t size, struct npy_header *ret_header, size_t *ret_size, struct error *err)
{
    struct cursor cursor = cursor_over(bytes, size);
    struct npy_header header = {.elements = 1};
    const uint8_t *magic;

    if (cursor_read_bytes(&cursor, 4, &magic) < 0 || !idx_is(magic) ||
        !type_of(magic[2], &header.type, &header.item_size))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "byte 0: not the magic of an IDX file");
    if (magic[3] > NPY_RANK_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "byte 3: %u dimensions; at most %u are read", magic[3],
                         NPY_RANK_MAX);
    header.rank = magic[3];
    for (uint32_t i = 0; i < header.rank; i++) {
        uint32_t dim = 0;

        if (read_u32be(&cursor, &dim) < 0)
            return -EAGAIN;
        header.dims[i] = dim;
        if (__builtin_mul_overflow(header.elements, header.dims[i], &header.elements) ||
            header.elements > INT64_MAX / 8)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "byte %zu: the dimensions' product is beyond 2^60",
                             cursor.offset - 4);
    }
    *ret_header = header;
    *ret_size = cursor.offset;
    return 0;
}

/* Reads exactly `size` bytes. */
static int read_exactly(struct idx *idx, void *ret_bytes, size_t size, struct error *err)
{
    size_t count = 0;
    int r = inflate_read(idx->stream, ret_bytes, size, &count, err);

    if (r == 0 && count < size)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                      "it ends before the %" PRIu64 " elements that its header promises; fetch the file again",
                      idx->header.elements);
    return r;
}

static int read_header(struct idx *idx, uint64_t file_size, struct error *err)
{
    uint8_t bytes[IDX_HEADER_MAX];
    size_t header_size = 0;
    int r = read_exactly(idx, bytes, 4, err);

    if (r == 0)
        r = idx_parse(bytes, 4, &idx->header, &header_size, err);
    if (r != -EAGAIN)
        return r;
    r = read_exactly(idx, bytes + 4, 4 * (size_t)bytes[3], err);
    if (r == 0)
        r = idx_parse(bytes, 4 + 4 * (size_t)bytes[3], &idx->header, &header_size, err);
    if (r < 0)
        return r;
    idx->left = idx->header.elements * idx->header.item_size;
    if (!inflate_is_compressed(idx->stream) && idx->left != file_size - header_size)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "its header promises %" PRIu64 " bytes of elements, but %" PRIu64
                         " follow it; it is truncated or damaged",
                         idx->left, file_size - header_size);
    return 0;
}

static void close_idx(struct idx **idx)
{
    idx_close(*idx);
}

int idx_open(int fd, uint64_t file_size, struct idx **ret_idx, struct error *err)
{
    CLEANUP(close_idx) struct idx *idx = calloc(1, sizeof *idx);
    int r;

    if (idx == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read an IDX file");
    r = inflate_open(fd, file_size, &idx->stream, err);
    if (r == 0)
        r = read_header(idx, file_size, err);
    if (r < 0)
        return r;
    *ret_idx = TAKE_POINTER(idx);
    return 0;
}

void idx_close(struct idx *idx)
{
    if (idx == NULL)
        return;
    inflate_close(idx->stream);
    free(idx);
}

const struct npy_header *idx_header(const struct idx *idx)
{
    return &idx->header;
}

static void swap_bytes(uint8_t *bytes, size_t count, uint32_t size)
{
    for (size_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < size / 2; k++) {
            uint8_t kept = bytes[i * size + k];

            bytes[i * size + k] = bytes[i * size + size - 1 - k];
            bytes[i * size + size - 1 - k] = kept;
        }
}

int idx_read(struct idx *idx, void *ret_bytes, size_t count, struct error *err)
{
    uint32_t size = idx->header.item_size;
    int r;

    if (count > idx->left / size)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "more elements asked for than an IDX file has");
    r = read_exactly(idx, ret_bytes, count * size, err);
    if (r < 0)
        return r;
    swap_bytes(ret_bytes, count, size);
    idx->left -= (uint64_t)count * size;
    return 0;
}

int idx_finish(struct idx *idx, struct error *err)
{
    if (idx->left > 0)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "an IDX file not read to its end");
    return inflate_finish(idx->stream, err);
}
