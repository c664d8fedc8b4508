/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the pickle machine: one 64-bit word each, so that stack and memo stay small whatever a pickle does.
 *
 * A word holds the kind, a mark that the machine's client gave (what it knows of globals, the more the worse), and a
 * payload: the number itself, the offset of the opcode that made a text, or an object of the machine's heap. The heap
 * forgets its oldest objects; a word's kind and mark stay true then, only the contents are gone.
 */
#ifndef LAZARET_GUEST_SCAN_PICKLE_VALUE_H
#define LAZARET_GUEST_SCAN_PICKLE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t pickle_value;

enum pickle_kind {
    PICKLE_ABSENT, /* no value: an empty place of the memo */
    PICKLE_OPAQUE, /* something that could not be kept */
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_FLOAT,
    PICKLE_STR,
    PICKLE_BYTES,
    PICKLE_BYTEARRAY,
    PICKLE_BUFFER, /* a read-only view */
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,
    PICKLE_SET,
    PICKLE_FROZENSET,
    PICKLE_GLOBAL,
    PICKLE_RESULT,     /* of a call, whatever the opcode */
    PICKLE_PERSISTENT, /* what the loader makes of a persistent id */
    PICKLE_EXTENSION,  /* of the extension registry */
    PICKLE_KIND_COUNT
};

/* What a client may know of a value; the greatest of its parts stands for the whole. */
#define PICKLE_MARK_MAX 3u

#define PICKLE_PAYLOAD_BITS 48
#define PICKLE_PAYLOAD_MASK ((UINT64_C(1) << PICKLE_PAYLOAD_BITS) - 1)
#define PICKLE_KIND_SHIFT   48
#define PICKLE_MARK_SHIFT   53
#define PICKLE_UNHASHABLE   (UINT64_C(1) << 55) /* no key of a dict: a list, or a tuple with one in it */
#define PICKLE_APART        (UINT64_C(1) << 56) /* a text that lies apart from its opcode; an int that is too big */
#define PICKLE_HEAD_SHIFT   48                  /* everything but the payload */

static inline pickle_value pickle_word(enum pickle_kind kind, uint64_t payload)
{
    return (uint64_t)kind << PICKLE_KIND_SHIFT | (payload & PICKLE_PAYLOAD_MASK);
}

static inline enum pickle_kind pickle_kind_of(pickle_value value)
{
    return (enum pickle_kind)(value >> PICKLE_KIND_SHIFT & 31);
}

static inline unsigned pickle_word_mark(pickle_value value)
{
    return (unsigned)(value >> PICKLE_MARK_SHIFT & 3);
}

static inline pickle_value pickle_with_mark(pickle_value value, unsigned mark)
{
    return (value & ~(UINT64_C(3) << PICKLE_MARK_SHIFT)) | (uint64_t)(mark & 3) << PICKLE_MARK_SHIFT;
}

static inline uint64_t pickle_payload(pickle_value value)
{
    return value & PICKLE_PAYLOAD_MASK;
}

static inline int64_t pickle_signed_payload(pickle_value value)
{
    return (int64_t)(value << (64 - PICKLE_PAYLOAD_BITS)) >> (64 - PICKLE_PAYLOAD_BITS);
}

/* Whatever a call, a global or a loader's own hook may have made: its type is not known. */
static inline bool pickle_is_opaque(pickle_value value)
{
    enum pickle_kind kind = pickle_kind_of(value);

    return kind == PICKLE_OPAQUE || kind >= PICKLE_GLOBAL;
}

#endif
