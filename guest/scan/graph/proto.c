/* SPDX-License-Identifier: Apache-2.0 */
/* The wire format of Protocol Buffers. */
#include "guest/scan/graph/proto.h"

#include <errno.h>
#include <string.h>

#define VARINT_SIZE_MAX 10u
#define HEAD_SIZE_MAX   (2 * VARINT_SIZE_MAX) /* a tag, and a length or a value */

enum { WIRE_GROUP_END = 4 }; /* the one type that is no field of its own */

/* The first bytes of what is left: a field's head. They are good until the source is looked at again. */
struct head {
    const uint8_t *bytes;
    size_t size, used;
};

struct proto proto_over(struct source *source, uint64_t offset, uint64_t size, struct error *err)
{
    uint64_t end = size <= UINT64_MAX - offset ? offset + size : UINT64_MAX;
    uint64_t whole;

    if (source_size(source, &whole, NULL) == 0 && end > whole)
        end = offset > whole ? offset : whole;
    return (struct proto){.source = source, .offset = offset, .end = end, .err = err};
}

struct proto proto_within(const struct proto *proto, const struct proto_field *field)
{
    return (struct proto){
        .source = proto->source, .offset = field->start, .end = field->start + field->size, .err = proto->err};
}

static int look(struct proto *proto, struct head *ret_head)
{
    uint64_t left = proto->end - proto->offset;
    size_t want = left < HEAD_SIZE_MAX ? (size_t)left : HEAD_SIZE_MAX;
    int r = source_view(proto->source, proto->offset, want, &ret_head->bytes, &ret_head->size, proto->err);

    if (r < 0)
        return r;
    if (ret_head->size > want)
        ret_head->size = want;
    ret_head->used = 0;
    return 0;
}

/* Bits beyond the 64th are dropped, as parsers do; a tenth byte that goes on is none of them. */
static int take_varint(struct head *head, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < VARINT_SIZE_MAX && head->used + i < head->size; i++) {
        uint8_t byte = head->bytes[head->used + i];

        value |= i < 9 ? (uint64_t)(byte & 0x7f) << 7 * i : (uint64_t)byte << 63;
        if (byte < 0x80) {
            head->used += i + 1;
            *ret_value = value;
            return 0;
        }
    }
    return -EBADMSG;
}

static int take_fixed(struct head *head, unsigned size, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (head->size - head->used < size)
        return -EBADMSG;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)head->bytes[head->used + i] << 8 * i;
    head->used += size;
    *ret_value = value;
    return 0;
}

/* Sets where a field's bytes are, cut at the message's end, and moves past them. */
static void take_bytes(struct proto *proto, struct proto_field *field, uint64_t start)
{
    uint64_t left = proto->end - start;

    field->start = start;
    field->claimed = field->value;
    field->size = field->value < left ? field->value : left;
    proto->offset = start + field->size;
    if (field->size < field->claimed)
        proto->offset = proto->end + 1; /* whatever comes next is no field */
}

/* One field, a group's begin and end on their own: *ret_type is the wire's, and a group's content is not looked at. */
static int next_plain(struct proto *proto, struct proto_field *field, unsigned *ret_type)
{
    struct head head;
    uint64_t tag = 0;
    int r;

    if (proto->offset > proto->end)
        return -EBADMSG;
    if (proto->offset == proto->end)
        return 0;
    r = look(proto, &head);
    if (r == 0)
        r = take_varint(&head, &tag);
    if (r < 0)
        return r;
    if (tag >> 3 == 0 || tag >> 3 > PROTO_NUMBER_MAX)
        return -EBADMSG;
    *field = (struct proto_field){.number = (uint32_t)(tag >> 3), .offset = proto->offset};
    *ret_type = tag & 7;
    switch (tag & 7) {
    case PROTO_VARINT:
    case PROTO_BYTES:
        r = take_varint(&head, &field->value);
        break;
    case PROTO_FIXED64:
        r = take_fixed(&head, 8, &field->value);
        break;
    case PROTO_FIXED32:
        r = take_fixed(&head, 4, &field->value);
        break;
    case PROTO_GROUP:
    case WIRE_GROUP_END:
        break;
    default:
        r = -EBADMSG;
    }
    if (r < 0)
        return r;
    field->type = (enum proto_type)(tag & 7);
    proto->offset += head.used;
    if (field->type == PROTO_BYTES)
        take_bytes(proto, field, proto->offset);
    return 1;
}

/* From behind a group's begin to its end, whatever is nested in it; -EBADMSG where that never comes. */
static int skip_group(struct proto *proto, struct proto_field *group)
{
    uint32_t open[PROTO_GROUP_DEPTH_MAX] = {group->number}, depth = 1;

    group->start = proto->offset;
    for (;;) {
        struct proto_field field;
        unsigned type;
        int r = next_plain(proto, &field, &type);

        if (r <= 0)
            return r < 0 ? r : -EBADMSG;
        if (type == PROTO_GROUP) {
            if (depth == PROTO_GROUP_DEPTH_MAX)
                return -EBADMSG;
            open[depth++] = field.number;
        } else if (type == WIRE_GROUP_END) {
            if (open[--depth] != field.number)
                return -EBADMSG;
            if (depth == 0) {
                group->size = group->claimed = field.offset - group->start;
                return 1;
            }
        }
    }
}

int proto_next(struct proto *proto, struct proto_field *ret_field)
{
    struct proto ahead = *proto;
    struct proto_field field;
    unsigned type = 0;
    int r = next_plain(&ahead, &field, &type);

    if (r > 0 && type == WIRE_GROUP_END)
        r = -EBADMSG;
    if (r > 0 && type == PROTO_GROUP)
        r = skip_group(&ahead, &field);
    if (r <= 0)
        return r;
    *proto = ahead;
    *ret_field = field;
    return 1;
}

int proto_next_varint(struct proto *proto, uint64_t *ret_value)
{
    struct head head;
    int r;

    if (proto->offset >= proto->end)
        return 0;
    r = look(proto, &head);
    if (r == 0)
        r = take_varint(&head, ret_value);
    if (r < 0)
        return r;
    proto->offset += head.used;
    return 1;
}

int proto_copy(const struct proto *proto, const struct proto_field *field, void *ret_bytes, size_t room,
               size_t *ret_size)
{
    size_t size = field->size < room ? (size_t)field->size : room;
    int r = source_copy(proto->source, field->start, ret_bytes, size, proto->err);

    if (r == 0)
        *ret_size = size;
    return r;
}
