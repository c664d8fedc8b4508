/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FlatBuffers over a source: tables, vectors and strings, every offset and length checked before it is followed.
 *
 * The format is the one of flatbuffers.dev, "FlatBuffer Internals": little-endian; a table begins with the distance
 * back to its vtable, which has the place of each field in it; vectors and strings begin with their length.
 * The same bytes may be referred to any number of times, so that whoever walks them counts its steps.
 */
#ifndef LAZARET_GUEST_SCAN_FLATBUFFER_H
#define LAZARET_GUEST_SCAN_FLATBUFFER_H

#include "guest/scan/source.h"

#include <stddef.h>

#define FLATBUFFER_SIZE_MAX ((UINT64_C(1) << 31) - 1) /* offsets have 31 bits: nothing lies beyond */

struct flatbuffer {
    struct source *source; /* borrowed */
    uint64_t size;
    /* The first reference that leads nowhere; those who follow it got -EBADMSG. */
    bool broken, impossible; /* impossible: not even in a file that was cut short */
    uint64_t broken_at;
    struct error *err; /* the source's causes; may be NULL */
};

struct flatbuffer_table {
    uint64_t at, vtable;
    uint16_t vtable_size, size;
};

struct flatbuffer_vector {
    uint64_t at; /* of the first element */
    uint32_t count;
};

/* All return 0, -EBADMSG where a reference leads nowhere, or the source's error. */

/* A table where the reference at `at` leads. */
MUST_USE int flatbuffer_table(struct flatbuffer *buffer, uint64_t at, struct flatbuffer_table *ret_table);
/* Where a table has a field; 0 where it has not, so that its default is meant. */
MUST_USE int flatbuffer_field(struct flatbuffer *buffer, const struct flatbuffer_table *table, uint32_t index,
                              uint64_t *ret_at);
/* An unsigned number of 1, 2, 4 or 8 bytes; `missing` where the table does not have it. */
MUST_USE int flatbuffer_number(struct flatbuffer *buffer, const struct flatbuffer_table *table, uint32_t index,
                               uint32_t bytes, uint64_t missing, uint64_t *ret_value);
/* A number at a place, for the elements of vectors. */
MUST_USE int flatbuffer_at(struct flatbuffer *buffer, uint64_t at, uint32_t bytes, uint64_t *ret_value);
/* A vector of elements of `bytes` each, or a string (1); count 0 where the table does not have it. */
MUST_USE int flatbuffer_vector(struct flatbuffer *buffer, const struct flatbuffer_table *table, uint32_t index,
                               uint32_t bytes, struct flatbuffer_vector *ret_vector);
/* Marks a number that refers to what is not there, as an index does; returns -EBADMSG. */
int flatbuffer_break(struct flatbuffer *buffer, uint64_t at, bool impossible);

#endif
