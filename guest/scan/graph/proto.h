/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocol Buffers as bytes: the fields of one message, one after the other, from a source.
 *
 * The wire format is the one of protobuf.dev, "Encoding". Nothing is held: a message within is a range of the source,
 * and a cursor of its own over it. As lenient as the parsers of protobuf are: fields in any order, tags and lengths in
 * more bytes than they need, unknown fields, groups.
 */
#ifndef LAZARET_GUEST_SCAN_PROTO_H
#define LAZARET_GUEST_SCAN_PROTO_H

#include "guest/scan/source.h"

#include <stddef.h>

#define PROTO_GROUP_DEPTH_MAX 100u                      /* as protobuf's own limit of recursion */
#define PROTO_NUMBER_MAX      ((UINT32_C(1) << 29) - 1) /* of a field */
#define PROTO_LENGTH_MAX      ((UINT64_C(1) << 31) - 1) /* of a field, and of a whole message */

enum proto_type {
    PROTO_VARINT = 0,
    PROTO_FIXED64 = 1,
    PROTO_BYTES = 2,
    PROTO_GROUP = 3, /* from its begin to its end: `start` and `size` are of what is between */
    PROTO_FIXED32 = 5,
};

struct proto_field {
    uint32_t number;
    enum proto_type type;
    uint64_t offset;      /* of the tag, in the source */
    uint64_t value;       /* of a varint or a fixed field */
    uint64_t start, size; /* of bytes or a group: where they are in the source; cut where the message ends before */
    uint64_t claimed;     /* the size that the field says it has, before it was cut */
};

struct proto {
    struct source *source; /* borrowed */
    uint64_t offset, end;  /* of the next field, and of the message */
    struct error *err;     /* where a source's causes go; may be NULL */
};

/* A message in [offset, offset + size) of a source; `size` may go beyond the source's end. */
struct proto proto_over(struct source *source, uint64_t offset, uint64_t size, struct error *err);
/* A message inside a field. */
struct proto proto_within(const struct proto *proto, const struct proto_field *field);

/*
 * The next field: 1 and the field, 0 at the end, -EBADMSG where there is none that can be read, or the source's own
 * error. A field of bytes that says to be longer than the message is cut, and what follows is -EBADMSG: whoever
 * recovers what is there sees it, and nobody takes the message for a whole one.
 */
MUST_USE int proto_next(struct proto *proto, struct proto_field *ret_field);

/* The next number of a packed field, with the cursor over its content. 1, 0 or an error as above. */
MUST_USE int proto_next_varint(struct proto *proto, uint64_t *ret_value);

/* Copies at most `room` bytes of a field of bytes; *ret_size says how many there were to copy. */
MUST_USE int proto_copy(const struct proto *proto, const struct proto_field *field, void *ret_bytes, size_t room,
                        size_t *ret_size);

static inline bool proto_is_cut(const struct proto_field *field)
{
    return field->claimed > field->size;
}

#endif
