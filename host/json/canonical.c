/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical JSON writer. */
#include "host/json/canonical.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int encode_value(const json_t *value, struct buffer *buffer, unsigned depth);

/* What RFC 8785, 3.2.2.2, escapes: two characters where there are such, \u00xx in lower case for other controls. */
static int encode_escape(unsigned char character, struct buffer *buffer)
{
    static const char escaped[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = character != '\0' ? strchr(escaped, character) : NULL;
    char pair[2] = {'\\', '\0'};

    if (found != NULL) {
        pair[1] = letters[found - escaped];
        return buffer_append(buffer, pair, sizeof pair);
    }
    return buffer_append_format(buffer, "\\u%04x", character);
}

/* All else stands for itself. */
static bool is_plain(unsigned char character)
{
    return character >= 0x20 && character != '"' && character != '\\';
}

static int encode_string(const char *text, size_t size, struct buffer *buffer)
{
    int r;

    if (memchr(text, '\0', size) != NULL)
        return -EINVAL;
    r = buffer_append_u8(buffer, '"');
    for (size_t i = 0; r == 0 && i < size;) {
        size_t plain = i;

        while (plain < size && is_plain((unsigned char)text[plain]))
            plain++;
        r = plain > i ? buffer_append(buffer, text + i, plain - i)
                      : encode_escape((unsigned char)text[plain++], buffer);
        i = plain;
    }
    return r == 0 ? buffer_append_u8(buffer, '"') : r;
}

static int encode_integer(json_int_t integer, struct buffer *buffer)
{
    if (integer > JSON_CANONICAL_INTEGER_MAX || integer < -JSON_CANONICAL_INTEGER_MAX)
        return -EINVAL;
    return buffer_append_format(buffer, "%" JSON_INTEGER_FORMAT, integer);
}

static int encode_array(const json_t *array, struct buffer *buffer, unsigned depth)
{
    int r = buffer_append_u8(buffer, '[');

    for (size_t i = 0; r == 0 && i < json_array_size(array); i++) {
        if (i > 0)
            r = buffer_append_u8(buffer, ',');
        if (r == 0)
            r = encode_value(json_array_get(array, i), buffer, depth);
    }
    return r == 0 ? buffer_append_u8(buffer, ']') : r;
}

static int compare_keys(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Printable ASCII only, so that sorting by byte and by UTF-16 unit (RFC 8785, 3.2.3) agree. */
static int check_key(const char *key)
{
    for (; *key != '\0'; key++)
        if (*key < 0x20 || *key > 0x7e)
            return -EINVAL;
    return 0;
}

static int encode_members(const json_t *object, const char **keys, struct buffer *buffer, unsigned depth)
{
    size_t count = 0;
    const char *key;
    json_t *member;
    int r = 0;

    json_object_foreach ((json_t *)object, key, member) {
        r = check_key(key);
        if (r < 0)
            return r;
        keys[count++] = key;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (i > 0)
            r = buffer_append_u8(buffer, ',');
        if (r == 0)
            r = encode_string(keys[i], strlen(keys[i]), buffer);
        if (r == 0)
            r = buffer_append_u8(buffer, ':');
        if (r == 0)
            r = encode_value(json_object_get(object, keys[i]), buffer, depth);
    }
    return r;
}

static int encode_object(const json_t *object, struct buffer *buffer, unsigned depth)
{
    size_t size = json_object_size(object);
    CLEANUP_FREE const char **keys = calloc(size > 0 ? size : 1, sizeof *keys);
    int r;

    if (keys == NULL)
        return -ENOMEM;
    r = buffer_append_u8(buffer, '{');
    if (r == 0)
        r = encode_members(object, keys, buffer, depth);
    return r == 0 ? buffer_append_u8(buffer, '}') : r;
}

static int encode_value(const json_t *value, struct buffer *buffer, unsigned depth)
{
    if (value == NULL)
        return -EINVAL;
    if (depth >= JSON_CANONICAL_DEPTH_MAX)
        return -ELOOP;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return encode_object(value, buffer, depth + 1);
    case JSON_ARRAY:
        return encode_array(value, buffer, depth + 1);
    case JSON_STRING:
        return encode_string(json_string_value(value), json_string_length(value), buffer);
    case JSON_INTEGER:
        return encode_integer(json_integer_value(value), buffer);
    case JSON_TRUE:
        return buffer_append(buffer, "true", 4);
    case JSON_FALSE:
        return buffer_append(buffer, "false", 5);
    case JSON_NULL:
        return buffer_append(buffer, "null", 4);
    case JSON_REAL:
        break;
    }
    return -EINVAL;
}

int json_canonical_encode(const json_t *value, struct buffer *buffer)
{
    size_t size = buffer->size;
    int r = encode_value(value, buffer, 0);

    if (r < 0)
        buffer->size = size;
    return r;
}
