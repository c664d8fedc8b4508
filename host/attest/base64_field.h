/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in base64 as members of JSON objects. */
#ifndef LAZARET_HOST_ATTEST_BASE64_FIELD_H
#define LAZARET_HOST_ATTEST_BASE64_FIELD_H

#include "base/buffer.h"
#include "base/error.h"

#include <jansson.h>

#define BASE64_SIZE(size) (4 * (((size) + 2) / 3)) /* characters for so many bytes */

/* A new JSON string of the bytes, or NULL without memory. */
json_t *base64_new_json(const void *data, size_t size);

/*
 * Appends the bytes of a required member: strict base64 (attest/base64.h), not empty, and within the buffer's limit.
 * ERROR_BAD_INPUT, -EBADMSG; `where` is the object's place, as in json/field.h.
 */
MUST_USE int base64_field(const json_t *object, const char *where, const char *key, struct buffer *ret_data,
                          struct error *err);

#endif
