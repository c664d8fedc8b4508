/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protobuf message and those within it, visited as a schema says: rows of (message, field number) -> what it is.
 *
 * The schema names only what a scanner looks at; what it does not name is passed over, as parsers pass over unknown
 * fields. Messages are visited in the order of the bytes, with an explicit stack. What is malformed becomes one gap of
 * the object, and the visit goes on behind it as far as there are bounds to go by.
 */
#ifndef LAZARET_GUEST_SCAN_PROTO_VISIT_H
#define LAZARET_GUEST_SCAN_PROTO_VISIT_H

#include "guest/scan/proto.h"
#include "guest/scan/scan.h"

#define PROTO_VISIT_DEPTH_MAX   104u /* parsers stop at 100 */
#define PROTO_VISIT_MESSAGE_MAX 64u  /* kinds of message in a schema */

struct proto_row {
    uint8_t message; /* a kind of message, of the format's own numbering, from 1 */
    uint16_t number;
    uint8_t type;     /* enum proto_type */
    uint8_t child;    /* the kind of message inside, 0 for a value */
    uint8_t field;    /* what it is to the visitor; 0 for a message that is only gone through */
    const char *name; /* in the text format; NULL where that is not read */
};

struct proto_visit;

struct proto_visitor {
    const struct proto_row *rows; /* all of one message next to each other */
    size_t row_count;
    const struct scan_rule *length_rule; /* for a length that no protobuf may have; critical or high */
    /* Each may be NULL. The row is the one that led into the message; NULL for the outermost. */
    int (*enter)(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                 struct error *err);
    int (*leave)(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                 struct error *err);
    int (*value)(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                 struct error *err);
};

struct proto_visit {
    struct scan *scan;
    const struct scan_object *object;
    const struct proto_visitor *visitor;
    void *argument;
    uint64_t passed; /* bytes that a callback has counted as skipped, not to be counted as looked at */
    bool damaged;    /* the gap is there */
};

/* Visits [offset, offset + size) of the object as a message of the kind `root`; errors are the callbacks'. */
MUST_USE int proto_visit(struct proto_visit *visit, uint64_t offset, uint64_t size, uint8_t root, struct error *err);

/* Copies at most `room` bytes of a field of bytes, for a callback; what can't be had is a gap, and nothing copied. */
size_t proto_visit_copy(struct proto_visit *visit, const struct proto_field *field, void *ret_bytes, size_t room);
/* A field's content as an object within this one; NULL memory is a gap. */
MUST_USE int proto_visit_object(struct proto_visit *visit, const struct proto_field *field, const char *name,
                                struct error *err);
/* A field's content as a string that may hold anything (guest/scan/embedded.h). */
MUST_USE int proto_visit_string(struct proto_visit *visit, const struct proto_field *field, const char *name,
                                struct error *err);
/* Judges a field's content as text that should not be code: finds `executes`, or `suspicious` where that is not NULL.
 */
MUST_USE int proto_visit_text(struct proto_visit *visit, const struct proto_field *field, const char *name,
                              const struct scan_rule *executes, const struct scan_rule *suspicious, struct error *err);
/* Counts a field's bytes as skipped. */
void proto_visit_pass(struct proto_visit *visit, const struct proto_field *field, enum scan_skip reason);

/* --- for a format's match -------------------------------------------------------------------------------- */

/* A tag as it stands in front of a field. */
#define PROTO_TAG(number, type) ((uint64_t)(number) << 3 | (type))

/*
 * Whether the first field is one of these. Cheap, and asked before anything that needs the source's size, for which a
 * decoder would run to its end. A message that begins with another field is nobody's, and a gap.
 */
bool proto_begins_with(struct source *source, const uint64_t *tags, size_t count);

#endif
