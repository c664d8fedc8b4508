/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded cursor and the capped buffer against what they promise: {u8 size; operations of 9 bytes}. Each operation
 * is worked out a second time on plain numbers, and both must agree; the sanitizer sees every byte that is read.
 */
#include "base/buffer.h"
#include "base/cursor.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_LIMIT ((size_t)4096)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

static uint64_t little_endian(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;

    for (size_t i = size; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

/* One read of an integer of 1, 2, 4 or 8 bytes. */
static int read_number(struct cursor *cursor, size_t size, uint64_t *ret_value)
{
    uint8_t u8 = 0xa5;
    uint16_t u16 = 0xa5;
    uint32_t u32 = 0xa5;
    uint64_t u64 = 0xa5;
    int r = size == 1   ? cursor_read_u8(cursor, &u8)
            : size == 2 ? cursor_read_u16le(cursor, &u16)
            : size == 4 ? cursor_read_u32le(cursor, &u32)
                        : cursor_read_u64le(cursor, &u64);

    *ret_value = size == 1 ? u8 : size == 2 ? u16 : size == 4 ? u32 : u64;
    return r;
}

static void step(struct cursor *cursor, uint8_t operation, uint64_t amount, struct buffer *buffer)
{
    const struct cursor before = *cursor;
    const size_t left = before.size - before.offset, width = (size_t)1 << (operation >> 4 & 3);
    const uint8_t *bytes = NULL;
    struct cursor sub = {0};
    uint8_t copied[256] = {0};
    uint64_t value;
    bool fits = amount <= left;
    size_t moved = amount;
    int r;

    switch (operation & 7) {
    case 0:
        r = read_number(cursor, width, &value);
        fits = width <= left;
        moved = width;
        check(value == (r == 0 ? little_endian(before.data + before.offset, width) : 0xa5));
        break;
    case 1:
        r = cursor_read_bytes(cursor, amount, &bytes);
        check(bytes == (r == 0 ? before.data + before.offset : NULL));
        break;
    case 2:
        amount = moved = amount % (sizeof copied + 1);
        fits = amount <= left;
        r = cursor_copy(cursor, copied, amount);
        check(r < 0 || memcmp(copied, before.data + before.offset, amount) == 0);
        break;
    case 3:
        r = cursor_skip(cursor, amount);
        break;
    case 4:
        r = cursor_read_sub(cursor, amount, &sub);
        check(r < 0 ? sub.data == NULL : sub.size == amount && sub.offset == 0);
        break;
    case 5:
        r = cursor_seek(cursor, amount);
        fits = amount <= before.size;
        moved = amount - before.offset;
        break;
    default:
        value = buffer->size;
        r = buffer_append(buffer, before.data, before.size);
        check((r == 0) == (before.size <= BUFFER_LIMIT - value) && buffer->size <= BUFFER_LIMIT);
        check(buffer->size == value + (r == 0 ? before.size : 0));
        return;
    }
    check((r == 0) == fits && cursor->data == before.data && cursor->size == before.size);
    check(cursor->offset == (fits ? before.offset + moved : before.offset));
    check(cursor_left(cursor) == cursor->size - cursor->offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer buffer = buffer_with_limit(BUFFER_LIMIT);
    CLEANUP_FREE uint8_t *bytes = NULL;
    struct cursor cursor;

    if (size == 0)
        return 0;
    bytes = malloc(data[0] > 0 ? data[0] : 1); /* exactly: the sanitizer watches its end */
    check(bytes != NULL);
    memset(bytes, 0x5a, data[0]);
    memcpy(bytes, data, data[0] < size ? data[0] : size);
    cursor = cursor_over(bytes, data[0]);
    for (size_t at = 1; at + 9 <= size; at += 9) {
        uint64_t amount = little_endian(data + at + 1, 8);

        /* Half of the amounts are small: others never fit. */
        step(&cursor, data[at], (data[at] & 8) != 0 ? amount : amount % 32, &buffer);
    }
    return 0;
}
