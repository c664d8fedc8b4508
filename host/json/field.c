/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of foreign JSON objects. */
#include "host/json/field.h"

#include "host/json/decimal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int refuse(struct error *err, const char *where, const char *key, const char *expected)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.%s: %s expected", where, key, expected);
}

int field_only(const json_t *value, const char *where, const char *const *keys, struct error *err)
{
    const char *key;
    json_t *member;

    if (!json_is_object(value))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: an object expected", where);
    json_object_foreach ((json_t *)value, key, member) {
        size_t i = 0;

        while (keys[i] != NULL && strcmp(keys[i], key) != 0)
            i++;
        if (keys[i] == NULL)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: unknown field '%.64s'", where, key);
    }
    return 0;
}

int field_object(const json_t *object, const char *where, const char *key, json_t **ret, struct error *err)
{
    json_t *member = json_object_get(object, key);

    if (!json_is_object(member))
        return refuse(err, where, key, "an object");
    *ret = member;
    return 0;
}

int field_array(const json_t *object, const char *where, const char *key, json_t **ret, struct error *err)
{
    json_t *member = json_object_get(object, key);

    if (!json_is_array(member) || json_array_size(member) > FIELD_LIST_MAX)
        return refuse(err, where, key, "an array of at most 4096 elements");
    *ret = member;
    return 0;
}

int field_string(const json_t *object, const char *where, const char *key, size_t length_max, const char **ret,
                 struct error *err)
{
    json_t *member = json_object_get(object, key);

    if (!json_is_string(member))
        return refuse(err, where, key, "a string");
    if (json_string_length(member) == 0 || json_string_length(member) > length_max)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.%s: a string of 1 to %zu bytes expected", where, key,
                         length_max);
    *ret = json_string_value(member);
    return 0;
}

int field_integer(const json_t *object, const char *where, const char *key, int64_t min, int64_t max, int64_t *ret,
                  struct error *err)
{
    json_t *member = json_object_get(object, key);

    if (!json_is_integer(member) || json_integer_value(member) < min || json_integer_value(member) > max)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.%s: an integer from %" PRId64 " to %" PRId64 " expected",
                         where, key, min, max);
    *ret = json_integer_value(member);
    return 0;
}

int field_exact(const json_t *object, const char *where, const char *key, const char *expected, struct error *err)
{
    const char *text;
    int r = field_string(object, where, key, strlen(expected) + 1024, &text, err);

    if (r < 0)
        return r;
    if (strcmp(text, expected) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.%s: '%s' expected", where, key, expected);
    return 0;
}

int field_choice(const json_t *object, const char *where, const char *key, const char *const *values,
                 unsigned *ret_index, struct error *err)
{
    const char *text;
    int r = field_string(object, where, key, 256, &text, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; values[i] != NULL; i++)
        if (strcmp(values[i], text) == 0) {
            *ret_index = i;
            return 0;
        }
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.%s: unknown value '%.64s'", where, key, text);
}

int field_decimal(const json_t *object, const char *where, const char *key, double *ret, struct error *err)
{
    const char *text;
    int r = field_string(object, where, key, JSON_DECIMAL_SIZE - 1, &text, err);

    if (r < 0)
        return r;
    return json_decimal_parse(text, ret) == 0 ? 0 : refuse(err, where, key, "a decimal string");
}
