/* SPDX-License-Identifier: Apache-2.0 */
/* Sequential reads from a source. */
#include "guest/scan/reader.h"

#include <errno.h>
#include <string.h>

struct reader reader_over(struct source *source, uint64_t offset, struct error *err)
{
    return (struct reader){.source = source, .base = offset, .err = err};
}

int reader_fill(struct reader *reader, size_t want)
{
    const uint8_t *bytes;
    size_t size;
    int r;

    if (reader->size - reader->used >= want)
        return 0;
    r = source_view(reader->source, reader_offset(reader), want, &bytes, &size, reader->err);
    if (r < 0)
        return r;
    reader->base += reader->used;
    reader->bytes = bytes;
    reader->size = size;
    reader->used = 0;
    return size < want ? -ENODATA : 0;
}

static int read_integer(struct reader *reader, unsigned size, uint64_t *ret_value)
{
    uint64_t value = 0;
    int r = reader_fill(reader, size);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)reader->bytes[reader->used + i] << 8 * i;
    reader->used += size;
    *ret_value = value;
    return 0;
}

int reader_u16le(struct reader *reader, uint16_t *ret_value)
{
    uint64_t value;
    int r = read_integer(reader, 2, &value);

    if (r == 0)
        *ret_value = (uint16_t)value;
    return r;
}

int reader_u32le(struct reader *reader, uint32_t *ret_value)
{
    uint64_t value;
    int r = read_integer(reader, 4, &value);

    if (r == 0)
        *ret_value = (uint32_t)value;
    return r;
}

int reader_u64le(struct reader *reader, uint64_t *ret_value)
{
    return read_integer(reader, 8, ret_value);
}

int reader_bytes(struct reader *reader, size_t size, const uint8_t **ret_bytes)
{
    int r = reader_fill(reader, size);

    if (r < 0)
        return r;
    *ret_bytes = reader->bytes + reader->used;
    reader->used += size;
    return 0;
}

int reader_copy(struct reader *reader, void *ret_bytes, size_t size)
{
    struct reader ahead = *reader;

    for (size_t done = 0; done < size;) {
        size_t part = size - done < SCAN_VIEW_MAX ? size - done : SCAN_VIEW_MAX;
        const uint8_t *bytes;
        int r = reader_bytes(&ahead, part, &bytes);

        if (r < 0) { /* views have moved on: the position is looked up again at the next read */
            reader_seek(reader, reader_offset(reader));
            return r;
        }
        memcpy((uint8_t *)ret_bytes + done, bytes, part);
        done += part;
    }
    *reader = ahead;
    return 0;
}

int reader_skip(struct reader *reader, uint64_t size)
{
    uint64_t target = reader_offset(reader) + size;
    const uint8_t *last;
    size_t got;
    int r;

    if (size <= reader->size - reader->used) {
        reader->used += (size_t)size;
        return 0;
    }
    if (target < size)
        return -ENODATA;
    r = source_view(reader->source, target - 1, 1, &last, &got, reader->err);
    if (r == 0 && got == 0)
        r = -ENODATA;
    reader_seek(reader, r == 0 ? target : reader_offset(reader));
    return r;
}

void reader_seek(struct reader *reader, uint64_t offset)
{
    reader->base = offset;
    reader->size = reader->used = 0;
}
