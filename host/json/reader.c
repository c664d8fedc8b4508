/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded JSON reader. */
#include "host/json/reader.h"

#include "base/cursor.h"
#include "base/file.h"

#include <errno.h>
#include <stdbool.h>

/*
 * Finds the deepest nesting without building anything. jansson recurses and allocates as it goes,
 * so this must hold before it sees the bytes. The walk needs to know only strings and brackets: up
 * to the first malformed byte it sees the nesting that jansson sees, and jansson goes no further.
 */
static bool is_too_deep(const void *data, size_t size)
{
    struct cursor cursor = cursor_over(data, size);
    bool in_string = false;
    unsigned depth = 0;
    uint8_t byte;

    while (cursor_read_u8(&cursor, &byte) == 0) {
        if (in_string) {
            if (byte == '\\')
                (void)!cursor_skip(&cursor, 1);
            else if (byte == '"')
                in_string = false;
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '[' || byte == '{') {
            if (++depth > JSON_READ_DEPTH_MAX)
                return true;
        } else if ((byte == ']' || byte == '}') && depth > 0) {
            depth--;
        }
    }
    return false;
}

static bool has_real(const json_t *value)
{
    const char *key;
    json_t *member;
    size_t index;

    if (json_is_object(value)) {
        json_object_foreach ((json_t *)value, key, member)
            if (has_real(member))
                return true;
    } else if (json_is_array(value)) {
        json_array_foreach (value, index, member)
            if (has_real(member))
                return true;
    }
    return json_is_real(value);
}

int json_read_with_reals(const void *data, size_t size, size_t size_max, const char *name, json_t **ret_value,
                         struct error *err)
{
    json_error_t cause;
    json_t *value;

    if (size > size_max)
        return error_set(err, ERROR_BAD_INPUT, -EMSGSIZE, "%s: %zu bytes of JSON, at most %zu are read", name, size,
                         size_max);
    if (size == 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: JSON expected, not an empty file", name);
    if (is_too_deep(data, size))
        return error_set(err, ERROR_BAD_INPUT, -ELOOP, "%s: JSON nested deeper than %u levels", name,
                         JSON_READ_DEPTH_MAX);
    value = json_loadb(data, size, JSON_REJECT_DUPLICATES, &cause);
    if (value == NULL)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s:%d:%d: not the JSON expected: %s", name, cause.line,
                         cause.column, cause.text);
    *ret_value = value;
    return 0;
}

int json_read(const void *data, size_t size, size_t size_max, const char *name, json_t **ret_value, struct error *err)
{
    CLEANUP_JSON json_t *value = NULL;
    int r = json_read_with_reals(data, size, size_max, name, &value, err);

    if (r < 0)
        return r;
    if (has_real(value))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: holds a real number, where only integers and decimal strings are written", name);
    *ret_value = TAKE_POINTER(value);
    return 0;
}

int json_read_file(const char *path, size_t size_max, json_t **ret_value, struct error *err)
{
    CLEANUP_BUFFER struct buffer content = buffer_with_limit(size_max);
    int r = file_read_bounded(path, &content, err);

    if (r < 0)
        return r;
    return json_read(content.data, content.size, size_max, path, ret_value, err);
}
