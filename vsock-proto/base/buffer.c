/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a hard cap on its size. */
#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUFFER_FIRST_CAPACITY 256u

struct buffer buffer_with_limit(size_t limit)
{
    return (struct buffer){.limit = limit};
}

int buffer_reserve(struct buffer *buffer, size_t size, uint8_t **ret_room)
{
    size_t needed, capacity;
    uint8_t *data;

    if (size > buffer->limit - buffer->size)
        return -EMSGSIZE;
    needed = buffer->size + size;
    if (needed > buffer->capacity) {
        capacity = buffer->capacity > 0 ? buffer->capacity : BUFFER_FIRST_CAPACITY;
        while (capacity < needed)
            capacity = capacity > buffer->limit / 2 ? buffer->limit : capacity * 2;
        data = realloc(buffer->data, capacity);
        if (data == NULL)
            return -ENOMEM;
        buffer->data = data;
        buffer->capacity = capacity;
    }
    *ret_room = buffer->data + buffer->size;
    return 0;
}

int buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    uint8_t *room;
    int r;

    if (size == 0)
        return 0;
    r = buffer_reserve(buffer, size, &room);
    if (r < 0)
        return r;
    memcpy(room, data, size);
    buffer->size += size;
    return 0;
}

static int append_little_endian(struct buffer *buffer, uint64_t value, size_t size)
{
    uint8_t bytes[sizeof value];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return buffer_append(buffer, bytes, size);
}

int buffer_append_u8(struct buffer *buffer, uint8_t value)
{
    return append_little_endian(buffer, value, sizeof value);
}

int buffer_append_u16le(struct buffer *buffer, uint16_t value)
{
    return append_little_endian(buffer, value, sizeof value);
}

int buffer_append_u32le(struct buffer *buffer, uint32_t value)
{
    return append_little_endian(buffer, value, sizeof value);
}

int buffer_append_u64le(struct buffer *buffer, uint64_t value)
{
    return append_little_endian(buffer, value, sizeof value);
}

int buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    uint8_t *room;
    int length, r;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return -EINVAL;
    r = buffer_reserve(buffer, (size_t)length + 1, &room);
    if (r < 0)
        return r;
    va_start(arguments, format);
    (void)vsnprintf((char *)room, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)length;
    return 0;
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = buffer_with_limit(buffer->limit);
}
