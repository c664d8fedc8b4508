/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded cursor. */
#include "base/cursor.h"

#include <errno.h>
#include <string.h>

struct cursor cursor_over(const void *data, size_t size)
{
    return (struct cursor){.data = data, .size = size, .offset = 0};
}

size_t cursor_left(const struct cursor *cursor)
{
    return cursor->size - cursor->offset;
}

int cursor_read_bytes(struct cursor *cursor, size_t size, const uint8_t **ret_bytes)
{
    if (size > cursor_left(cursor))
        return -EBADMSG;
    *ret_bytes = cursor->data + cursor->offset;
    cursor->offset += size;
    return 0;
}

/* Reads an unsigned integer of `size` bytes, least significant first. */
static int read_little_endian(struct cursor *cursor, size_t size, uint64_t *ret_value)
{
    const uint8_t *bytes;
    uint64_t value = 0;
    int r = cursor_read_bytes(cursor, size, &bytes);

    if (r < 0)
        return r;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    *ret_value = value;
    return 0;
}

int cursor_read_u8(struct cursor *cursor, uint8_t *ret_value)
{
    uint64_t value;
    int r = read_little_endian(cursor, sizeof *ret_value, &value);

    if (r == 0)
        *ret_value = (uint8_t)value;
    return r;
}

int cursor_read_u16le(struct cursor *cursor, uint16_t *ret_value)
{
    uint64_t value;
    int r = read_little_endian(cursor, sizeof *ret_value, &value);

    if (r == 0)
        *ret_value = (uint16_t)value;
    return r;
}

int cursor_read_u32le(struct cursor *cursor, uint32_t *ret_value)
{
    uint64_t value;
    int r = read_little_endian(cursor, sizeof *ret_value, &value);

    if (r == 0)
        *ret_value = (uint32_t)value;
    return r;
}

int cursor_read_u64le(struct cursor *cursor, uint64_t *ret_value)
{
    return read_little_endian(cursor, sizeof *ret_value, ret_value);
}

int cursor_copy(struct cursor *cursor, void *ret_bytes, size_t size)
{
    const uint8_t *bytes;
    int r = cursor_read_bytes(cursor, size, &bytes);

    if (r == 0 && size > 0)
        memcpy(ret_bytes, bytes, size);
    return r;
}

int cursor_skip(struct cursor *cursor, size_t size)
{
    const uint8_t *bytes;

    return cursor_read_bytes(cursor, size, &bytes);
}

int cursor_seek(struct cursor *cursor, size_t offset)
{
    if (offset > cursor->size)
        return -EBADMSG;
    cursor->offset = offset;
    return 0;
}

int cursor_read_sub(struct cursor *cursor, size_t size, struct cursor *ret_sub)
{
    const uint8_t *bytes;
    int r = cursor_read_bytes(cursor, size, &bytes);

    if (r == 0)
        *ret_sub = cursor_over(bytes, size);
    return r;
}
