/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and strings as they are spelled in a pickle, read as CPython reads them: strtol and PyLong_FromString with
 * base 0, PyOS_string_to_double, PyBytes_DecodeEscape, raw-unicode-escape, UTF-8 with surrogates.
 *
 * A line comes with its final newline, as _Unpickler_Readline gives it. What is not allowed is -EINVAL.
 */
#ifndef LAZARET_GUEST_SCAN_PICKLE_LITERALS_H
#define LAZARET_GUEST_SCAN_PICKLE_LITERALS_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct literal_int {
    bool is_bool, fits; /* fits int64 */
    int64_t value;      /* of those that fit */
    bool odd;           /* a base 0 prefix, an underscore, more digits than Python 3.11 takes: rarely written */
    bool too_long;      /* of these, the last: refused by _pickle.c, not by older ones */
};

MUST_USE int literal_int(const uint8_t *line, size_t size, struct literal_int *ret_int);
MUST_USE int literal_long(const uint8_t *line, size_t size, struct literal_int *ret_int);
/* A memo's number: PyLong_FromString with base 10, that fits Py_ssize_t. */
MUST_USE int literal_index(const uint8_t *line, size_t size, int64_t *ret_index);
MUST_USE int literal_float(const uint8_t *line, size_t size);

/*
 * The bytes between the quotes of a STRING, escapes resolved: the first `capacity` of them, and how many were written.
 * `ret_bytes` may be NULL with capacity 0, to check alone.
 */
MUST_USE int literal_string(const uint8_t *line, size_t size, void *ret_bytes, size_t capacity, size_t *ret_size,
                            bool *ret_ascii);
/* A UNICODE, as UTF-8 (a lone surrogate too). */
MUST_USE int literal_unicode(const uint8_t *line, size_t size, void *ret_bytes, size_t capacity, size_t *ret_size);

/* A validator of UTF-8 that takes its bytes piece by piece. */
struct literal_utf8 {
    uint32_t left;      /* continuation bytes still to come */
    uint8_t low, high;  /* bounds of the next one */
    bool no_surrogates; /* strict */
};

MUST_USE int literal_utf8_feed(struct literal_utf8 *utf8, const uint8_t *bytes, size_t size);
/* The whole; surrogates are let through where `surrogates`. */
bool literal_is_utf8(const uint8_t *bytes, size_t size, bool surrogates);
bool literal_is_ascii(const uint8_t *bytes, size_t size);

#endif
