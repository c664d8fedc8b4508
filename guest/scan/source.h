/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source: bytes at offsets, wherever they come from: a map of a file, a range of another source, the output of a
 * decoder, the host at the other end of the connection. The only way in which scanners see a file.
 *
 * Random access is always possible; going back in a decoder's output means to decode again from the start, which is
 * charged to the scan's budget.
 */
#ifndef LAZARET_GUEST_SCAN_SOURCE_H
#define LAZARET_GUEST_SCAN_SOURCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct source;

/* What a kind of source does; implementations embed struct source as their first member. */
struct source_class {
    /*
     * Points at the bytes from `offset` on: at least min(want, what is left) of them, `want` at most SCAN_VIEW_MAX,
     * and as many more as are at hand; none at or beyond the end. They stay until the next view of this source, or of
     * one that is made of it. -EBADMSG: damaged (a decoder's input); -EFBIG: the scan's budget is used up;
     * -ENOTSUP: encrypted, or a method unknown; -ENOMEM; -EIO: the host could not or did not give the bytes.
     */
    int (*view)(struct source *source, uint64_t offset, size_t want, const uint8_t **ret_bytes, size_t *ret_size,
                struct error *err);
    /* The size in bytes; a decoder has to run to its end for it. Errors as view. */
    int (*size)(struct source *source, uint64_t *ret_size, struct error *err);
    void (*free)(struct source *source);
};

struct source {
    const struct source_class *class;
};

MUST_USE int source_view(struct source *source, uint64_t offset, size_t want, const uint8_t **ret_bytes,
                         size_t *ret_size, struct error *err);
MUST_USE int source_size(struct source *source, uint64_t *ret_size, struct error *err);
/* Copies exactly `size` bytes (any number); -EBADMSG where the source ends before. */
MUST_USE int source_copy(struct source *source, uint64_t offset, void *ret_bytes, size_t size, struct error *err);
/* Whether the bytes at `offset` are these (at most SCAN_VIEW_MAX); false too where they can't be had. */
bool source_has(struct source *source, uint64_t offset, const void *bytes, size_t size);
void source_free(struct source *source);

/* A source over memory, which must outlive it. NULL without memory. */
struct source *source_of_memory(const void *data, uint64_t size);
/* The bytes [offset, offset + size) of another source, cut where that ends; the parent must outlive it. */
struct source *source_of_range(struct source *parent, uint64_t offset, uint64_t size);

static inline void source_cleanup(struct source **source)
{
    source_free(*source);
}

#define CLEANUP_SOURCE CLEANUP(source_cleanup)

#endif
