/* SPDX-License-Identifier: Apache-2.0 */
/* Strings in FlexBuffers. */
#include "guest/scan/flexbuffer.h"

#include <errno.h>

enum { TYPE_STRING = 5, TYPE_VECTOR = 10, TYPE_BLOB = 25 };

/* A number of 1, 2, 4 or 8 bytes that ends before `size`. */
static int read_number(const uint8_t *bytes, size_t size, size_t at, size_t width, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (at > size || width > size - at)
        return -EBADMSG;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)bytes[at + i] << 8 * i;
    *ret_value = value;
    return 0;
}

/* What a reference leads back to, and the count in front of it, which is of the width of what is there. */
static int follow(const uint8_t *bytes, size_t size, size_t at, size_t width, size_t target_width, size_t *ret_at,
                  uint64_t *ret_count)
{
    uint64_t back;
    int r = read_number(bytes, size, at, width, &back);

    if (r < 0 || back > at || at - back < target_width)
        return -EBADMSG;
    *ret_at = at - (size_t)back;
    return read_number(bytes, size, *ret_at - target_width, target_width, ret_count);
}

int flexbuffer_string(const uint8_t *bytes, size_t size, size_t index, const uint8_t **ret_string, size_t *ret_size)
{
    size_t vector, string, width;
    uint64_t count, length;
    uint8_t type;

    /* The last byte is the width of the root, the one before its type with the width of what is in it. */
    if (size < 3 || (bytes[size - 1] != 1 && bytes[size - 1] != 2 && bytes[size - 1] != 4 && bytes[size - 1] != 8) ||
        (size_t)bytes[size - 1] + 2 > size || bytes[size - 2] >> 2 != TYPE_VECTOR)
        return -EBADMSG;
    width = (size_t)1 << (bytes[size - 2] & 3);
    if (follow(bytes, size, size - 2 - bytes[size - 1], bytes[size - 1], width, &vector, &count) < 0)
        return -EBADMSG;
    /* The elements, then a byte each for their types. */
    if (index >= count || count > (size - vector) / (width + 1))
        return -EBADMSG;
    type = bytes[vector + (size_t)count * width + index];
    if (type >> 2 != TYPE_STRING && type >> 2 != TYPE_BLOB)
        return -EBADMSG;
    if (follow(bytes, size, vector + index * width, width, (size_t)1 << (type & 3), &string, &length) < 0 ||
        length > size - string)
        return -EBADMSG;
    *ret_string = bytes + string;
    *ret_size = (size_t)length;
    return 0;
}
