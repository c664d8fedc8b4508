/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a hard cap on its size. */
#ifndef LAZARET_BASE_BUFFER_H
#define LAZARET_BASE_BUFFER_H

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data; /* owned */
    size_t size;
    size_t capacity;
    size_t limit; /* size never exceeds it */
};

/* An empty buffer that may grow to `limit` bytes. */
struct buffer buffer_with_limit(size_t limit);

/* Appends bytes. -EMSGSIZE beyond the limit, -ENOMEM; the content is then unchanged. */
MUST_USE int buffer_append(struct buffer *buffer, const void *data, size_t size);

/* Appends integers, least significant byte first; errors as above. */
MUST_USE int buffer_append_u8(struct buffer *buffer, uint8_t value);
MUST_USE int buffer_append_u16le(struct buffer *buffer, uint16_t value);
MUST_USE int buffer_append_u32le(struct buffer *buffer, uint32_t value);
MUST_USE int buffer_append_u64le(struct buffer *buffer, uint64_t value);

/* Appends formatted text without its final NUL; errors as above. */
MUST_USE int buffer_append_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for `size` bytes at the end and points at it; commit with buffer->size += used. */
MUST_USE int buffer_reserve(struct buffer *buffer, size_t size, uint8_t **ret_room);

/* Frees the content; the buffer is empty and usable again. */
void buffer_free(struct buffer *buffer);

#define CLEANUP_BUFFER CLEANUP(buffer_free)

#endif
