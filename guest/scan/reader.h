/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded cursor over a source: sequential reads, a byte at a time at the cost of a compare.
 *
 * Every read returns 0 and moves on; -ENODATA where the source ends before, or the source's own error. On failure
 * neither the position nor the output is touched.
 */
#ifndef LAZARET_GUEST_SCAN_READER_H
#define LAZARET_GUEST_SCAN_READER_H

#include "guest/scan/limits.h"
#include "guest/scan/source.h"

#include <stddef.h>

struct reader {
    struct source *source; /* borrowed */
    const uint8_t *bytes;  /* of the view at hand */
    size_t size, used;     /* of the view */
    uint64_t base;         /* offset of the view's first byte */
    struct error *err;     /* where causes go; may be NULL */
};

struct reader reader_over(struct source *source, uint64_t offset, struct error *err);

/* Offset of the next byte. */
static inline uint64_t reader_offset(const struct reader *reader)
{
    return reader->base + reader->used;
}

/* Gets at least `want` bytes (at most SCAN_VIEW_MAX) into the view, or -ENODATA. */
MUST_USE int reader_fill(struct reader *reader, size_t want);

static inline MUST_USE int reader_u8(struct reader *reader, uint8_t *ret_value)
{
    if (reader->used == reader->size) {
        int r = reader_fill(reader, 1);

        if (r < 0)
            return r;
    }
    *ret_value = reader->bytes[reader->used++];
    return 0;
}

MUST_USE int reader_u16le(struct reader *reader, uint16_t *ret_value);
MUST_USE int reader_u32le(struct reader *reader, uint32_t *ret_value);
MUST_USE int reader_u64le(struct reader *reader, uint64_t *ret_value);
/* Points at the next `size` bytes, at most SCAN_VIEW_MAX, and moves past them; they stay until the next read. */
MUST_USE int reader_bytes(struct reader *reader, size_t size, const uint8_t **ret_bytes);
/* Copies any number of bytes. */
MUST_USE int reader_copy(struct reader *reader, void *ret_bytes, size_t size);
/* Moves past `size` bytes, -ENODATA where the source has fewer; and to an offset, unchecked until the next read. */
MUST_USE int reader_skip(struct reader *reader, uint64_t size);
void reader_seek(struct reader *reader, uint64_t offset);

#endif
