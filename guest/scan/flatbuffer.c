/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded access to FlatBuffers. */
#include "guest/scan/flatbuffer.h"

#include <errno.h>

#define VTABLE_HEAD 4u /* its own size and the table's */

int flatbuffer_break(struct flatbuffer *buffer, uint64_t at, bool impossible)
{
    if (!buffer->broken || (impossible && !buffer->impossible)) {
        buffer->broken_at = at;
        buffer->impossible = impossible;
    }
    buffer->broken = true;
    return -EBADMSG;
}

/* Whether [start, start + size) is there; `at` is what refers to it. */
static int check(struct flatbuffer *buffer, uint64_t at, uint64_t start, uint64_t size)
{
    if (start <= buffer->size && size <= buffer->size - start)
        return 0;
    return flatbuffer_break(buffer, at, start > FLATBUFFER_SIZE_MAX || size > FLATBUFFER_SIZE_MAX - start);
}

int flatbuffer_at(struct flatbuffer *buffer, uint64_t at, uint32_t bytes, uint64_t *ret_value)
{
    uint8_t raw[8];
    uint64_t value = 0;
    int r = check(buffer, at, at, bytes);

    if (r == 0)
        r = source_copy(buffer->source, at, raw, bytes, buffer->err);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < bytes; i++)
        value |= (uint64_t)raw[i] << 8 * i;
    *ret_value = value;
    return 0;
}

/* References lead forward, and never to themselves. */
static int follow(struct flatbuffer *buffer, uint64_t at, uint64_t size, uint64_t *ret_target)
{
    uint64_t distance;
    int r = flatbuffer_at(buffer, at, 4, &distance);

    if (r < 0)
        return r;
    if (distance == 0)
        return flatbuffer_break(buffer, at, true);
    r = check(buffer, at, at + distance, size);
    if (r == 0)
        *ret_target = at + distance;
    return r;
}

int flatbuffer_table(struct flatbuffer *buffer, uint64_t at, struct flatbuffer_table *ret_table)
{
    struct flatbuffer_table table = {0};
    uint64_t back, vtable_size, size;
    int r = follow(buffer, at, 4, &table.at);

    if (r == 0)
        r = flatbuffer_at(buffer, table.at, 4, &back);
    if (r < 0)
        return r;
    table.vtable = table.at - (uint64_t)(int64_t)(int32_t)(uint32_t)back; /* before it, or behind */
    r = check(buffer, table.at, table.vtable, VTABLE_HEAD);
    if (r == 0)
        r = flatbuffer_at(buffer, table.vtable, 2, &vtable_size);
    if (r == 0)
        r = flatbuffer_at(buffer, table.vtable + 2, 2, &size);
    if (r < 0)
        return r;
    if (vtable_size < VTABLE_HEAD || size < 4)
        return flatbuffer_break(buffer, table.vtable, true);
    table.vtable_size = (uint16_t)vtable_size;
    table.size = (uint16_t)size;
    r = check(buffer, table.at, table.vtable, vtable_size);
    if (r == 0)
        r = check(buffer, table.vtable, table.at, size);
    if (r == 0)
        *ret_table = table;
    return r;
}

int flatbuffer_field(struct flatbuffer *buffer, const struct flatbuffer_table *table, uint32_t index, uint64_t *ret_at)
{
    uint64_t place = VTABLE_HEAD + 2 * (uint64_t)index, offset = 0;
    int r = 0;

    if (place + 2 <= table->vtable_size)
        r = flatbuffer_at(buffer, table->vtable + place, 2, &offset);
    if (r < 0)
        return r;
    if (offset >= table->size)
        return flatbuffer_break(buffer, table->vtable + place, true);
    *ret_at = offset != 0 ? table->at + offset : 0;
    return 0;
}

int flatbuffer_number(struct flatbuffer *buffer, const struct flatbuffer_table *table, uint32_t index, uint32_t bytes,
                      uint64_t missing, uint64_t *ret_value)
{
    uint64_t at;
    int r = flatbuffer_field(buffer, table, index, &at);

    if (r < 0)
        return r;
    if (at == 0) {
        *ret_value = missing;
        return 0;
    }
    return flatbuffer_at(buffer, at, bytes, ret_value);
}

int flatbuffer_vector(struct flatbuffer *buffer, const struct flatbuffer_table *table, uint32_t index, uint32_t bytes,
                      struct flatbuffer_vector *ret_vector)
{
    uint64_t at, start, count;
    int r = flatbuffer_field(buffer, table, index, &at);

    if (r < 0)
        return r;
    if (at == 0) {
        *ret_vector = (struct flatbuffer_vector){0};
        return 0;
    }
    r = follow(buffer, at, 4, &start);
    if (r == 0)
        r = flatbuffer_at(buffer, start, 4, &count);
    if (r == 0)
        r = check(buffer, start, start + 4, count * bytes);
    if (r == 0)
        *ret_vector = (struct flatbuffer_vector){.at = start + 4, .count = (uint32_t)count};
    return r;
}
