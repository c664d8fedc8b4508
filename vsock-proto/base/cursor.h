/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded cursor: the only way into bytes that came from elsewhere.
 *
 * A cursor walks over memory it does not own and never reads past its end. Every read returns 0
 * and moves on, or returns -EBADMSG and leaves both the cursor and the output untouched.
 */
#ifndef LAZARET_BASE_CURSOR_H
#define LAZARET_BASE_CURSOR_H

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *data;
    size_t size;
    size_t offset; /* of the next byte; never beyond size */
};

/* A cursor at the start of `size` bytes at `data`, which must outlive it. */
struct cursor cursor_over(const void *data, size_t size);

/* Bytes not read yet. */
size_t cursor_left(const struct cursor *cursor);

/* Little-endian integers. */
MUST_USE int cursor_read_u8(struct cursor *cursor, uint8_t *ret_value);
MUST_USE int cursor_read_u16le(struct cursor *cursor, uint16_t *ret_value);
MUST_USE int cursor_read_u32le(struct cursor *cursor, uint32_t *ret_value);
MUST_USE int cursor_read_u64le(struct cursor *cursor, uint64_t *ret_value);

/* Points at the next `size` bytes inside the cursor's memory and moves past them. */
MUST_USE int cursor_read_bytes(struct cursor *cursor, size_t size, const uint8_t **ret_bytes);

/* Copies the next `size` bytes to `ret_bytes`. */
MUST_USE int cursor_copy(struct cursor *cursor, void *ret_bytes, size_t size);

/* Moves past `size` bytes. */
MUST_USE int cursor_skip(struct cursor *cursor, size_t size);

/* Moves to an absolute offset, at most the size. */
MUST_USE int cursor_seek(struct cursor *cursor, size_t offset);

/* A cursor over the next `size` bytes, which `cursor` moves past. */
MUST_USE int cursor_read_sub(struct cursor *cursor, size_t size, struct cursor *ret_sub);

#endif
