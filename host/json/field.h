/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of foreign JSON objects, read so that a parser looks like its document's schema.
 *
 * `where` is the object's place for messages ("predicate.result"); errors are ERROR_BAD_INPUT with
 * -EBADMSG and name place, field and what was expected. Returned references are borrowed.
 */
#ifndef LAZARET_HOST_JSON_FIELD_H
#define LAZARET_HOST_JSON_FIELD_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIELD_LIST_MAX 4096u /* elements of an array that field_array accepts */

/* `value` must be an object whose keys are all among the NULL-ended `keys`. */
MUST_USE int field_only(const json_t *value, const char *where, const char *const *keys, struct error *err);

/* A required member of the given type. */
MUST_USE int field_object(const json_t *object, const char *where, const char *key, json_t **ret, struct error *err);
MUST_USE int field_array(const json_t *object, const char *where, const char *key, json_t **ret, struct error *err);

/* A required string of 1 to `length_max` bytes. */
MUST_USE int field_string(const json_t *object, const char *where, const char *key, size_t length_max, const char **ret,
                          struct error *err);

/* A required integer of `min` to `max`. */
MUST_USE int field_integer(const json_t *object, const char *where, const char *key, int64_t min, int64_t max,
                           int64_t *ret, struct error *err);

/* A required string that is exactly `expected`. */
MUST_USE int field_exact(const json_t *object, const char *where, const char *key, const char *expected,
                         struct error *err);

/* A required string that is among the NULL-ended `values`; returns its index. */
MUST_USE int field_choice(const json_t *object, const char *where, const char *key, const char *const *values,
                          unsigned *ret_index, struct error *err);

/* A required decimal string (json/decimal.h). */
MUST_USE int field_decimal(const json_t *object, const char *where, const char *key, double *ret, struct error *err);

#endif
