/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded JSON reader: size, depth and form of foreign JSON are checked before jansson builds anything. */
#ifndef LAZARET_HOST_JSON_READER_H
#define LAZARET_HOST_JSON_READER_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>

#define JSON_READ_DEPTH_MAX 32u /* objects and arrays within one another */

/*
 * Parses exactly one object or array of UTF-8 JSON of at most `size_max` bytes; nothing but white
 * space may follow. Duplicate keys, NUL characters in strings, real numbers and more than
 * JSON_READ_DEPTH_MAX levels are refused. `name` (a file's name) begins the error's text.
 *
 * On success *ret_value is the caller's reference. Errors are of kind ERROR_BAD_INPUT:
 * -EMSGSIZE too large, -ELOOP too deep, -EBADMSG no such JSON.
 */
MUST_USE int json_read(const void *data, size_t size, size_t size_max, const char *name, json_t **ret_value,
                       struct error *err);

/* The same of a format that other programs write: real numbers are let through. */
MUST_USE int json_read_with_reals(const void *data, size_t size, size_t size_max, const char *name, json_t **ret_value,
                                  struct error *err);

/* Reads a file, then as json_read(). ERROR_NO_INPUT with -errno where it can't be read or is no regular file. */
MUST_USE int json_read_file(const char *path, size_t size_max, json_t **ret_value, struct error *err);

/* Drops a reference that a `json_t *` variable holds; NULL is fine. */
static inline void json_drop(json_t **value)
{
    json_decref(*value);
}

#define CLEANUP_JSON CLEANUP(json_drop)

#endif
