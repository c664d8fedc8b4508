/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocol Buffers' text format, cut into words and strings ("Text Format Language Specification" of protobuf.dev).
 *
 * What makes fields and messages of them is the caller's.
 */
#ifndef LAZARET_GUEST_SCAN_PROTOTEXT_H
#define LAZARET_GUEST_SCAN_PROTOTEXT_H

#include "guest/scan/reader.h"

#define PROTOTEXT_WORD_MAX   64u /* bytes of a word that are kept */
#define PROTOTEXT_STRING_MAX SCAN_VIEW_MAX

struct prototext {
    struct reader reader;
    bool damaged; /* a string that does not end */
    char word[PROTOTEXT_WORD_MAX];
    size_t word_size; /* of all of it; the word is cut where that is more than PROTOTEXT_WORD_MAX */
    uint64_t string_offset, string_whole;
    size_t string_size; /* of what is kept of it */
    uint8_t *string;    /* room for PROTOTEXT_STRING_MAX bytes; the caller's, NULL where no string is taken */
};

/* The next byte, without taking it or with; -1 at the end or where the source fails. */
int prototext_peek(struct prototext *text);
int prototext_take(struct prototext *text);
/* Blanks, comments, and the separators that may stand between fields. */
void prototext_skip_blanks(struct prototext *text);
/* A name or a number, possibly empty. */
void prototext_take_word(struct prototext *text);
/* One or more quoted strings next to each other, which are one, with their escapes decoded. */
void prototext_take_string(struct prototext *text);

#endif
