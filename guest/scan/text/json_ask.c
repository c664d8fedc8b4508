/* SPDX-License-Identifier: Apache-2.0 */
/* What a visitor may ask of a JSON value beside its event; and whether there is one at all. */
#include "guest/scan/text.h"
#include "guest/scan/text/json_internal.h"

#include <stdio.h>
#include <string.h>

#define BLANKS_MAX 4096u /* before a value, that are passed to find it */

bool json_may_begin(struct source *source, uint64_t offset)
{
    struct reader reader = reader_over(source, offset, NULL);
    struct json_chars chars;
    uint32_t c;

    if (json_chars_begin(&chars, &reader, false) < 0)
        return false;
    for (unsigned i = 0; i < BLANKS_MAX && json_chars_peek(&chars, &c) == 0; i++) {
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            return c == '{' || c == '[';
        json_chars_take(&chars);
    }
    return false;
}

/* ".key" or "[index]"; what does not fit is left out. */
static void append(char path[JSON_PATH_MAX], bool in_object, const char *key, size_t key_size, uint64_t index)
{
    size_t used = strlen(path);

    if (in_object)
        (void)snprintf(path + used, JSON_PATH_MAX - used, "%s%s", used > 0 ? "." : "", TEXT(key, key_size));
    else
        (void)snprintf(path + used, JSON_PATH_MAX - used, "[%llu]", (unsigned long long)index);
}

const char *json_path(const struct json_event *event, char path[JSON_PATH_MAX])
{
    path[0] = '\0';
    for (uint32_t i = 1; i < event->depth; i++) {
        const struct json_level *level = &event->json->levels[i];

        append(path, level->has_key, level->key, level->key_size, level->index);
    }
    if (event->depth > 0)
        append(path, event->key != NULL, event->key, event->key_size, event->index);
    return path;
}

const char *json_enclosing_key(const struct json_event *event, uint32_t up, size_t *ret_size)
{
    const struct json_level *level;

    if (up == 0 || up > event->depth)
        return NULL;
    level = &event->json->levels[event->depth - up];
    if (!level->has_key)
        return NULL;
    *ret_size = level->key_size;
    return level->key;
}

bool json_key_is(const struct json_event *event, const char *key)
{
    return event->key != NULL && !event->key_cut && event->key_size == strlen(key) &&
           memcmp(event->key, key, event->key_size) == 0;
}

bool json_text_is(const struct json_event *event, const char *text)
{
    return event->kind == JSON_STRING && !event->text_cut && event->text_size == strlen(text) &&
           memcmp(event->text, text, event->text_size) == 0;
}
