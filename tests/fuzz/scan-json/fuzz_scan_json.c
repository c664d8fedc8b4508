/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON: the events nest, and what the strict reader takes the lenient one takes too. */
#include "guest/scan/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint32_t depth;
    uint64_t events;
};

static int see(void *argument, const struct json_event *event, struct error *err)
{
    struct seen *seen = argument;
    char path[JSON_PATH_MAX];
    size_t key_size;

    (void)err;
    if (event->kind == JSON_OBJECT_END || event->kind == JSON_ARRAY_END)
        seen->depth--;
    if (event->depth != seen->depth || event->text[event->text_size] != '\0')
        abort();
    if (event->kind == JSON_OBJECT || event->kind == JSON_ARRAY)
        seen->depth++;
    if (strlen(json_path(event, path)) >= sizeof path)
        abort();
    for (uint32_t up = 1; up < 4; up++)
        (void)json_enclosing_key(event, up, &key_size);
    seen->events++;
    return 0;
}

static int see_piece(void *argument, const struct json_event *event, const char *bytes, size_t size, struct error *err)
{
    char path[JSON_PATH_MAX];

    (void)argument;
    (void)err;
    if (size == 0 || bytes == NULL || strlen(json_path(event, path)) >= sizeof path)
        abort();
    return 0;
}

static int walk(const uint8_t *data, size_t size, unsigned options, struct seen *ret_seen)
{
    struct seen seen = {0};
    const struct json_visitor visitor = {.value = see, .piece = see_piece, .argument = &seen};
    CLEANUP_SOURCE struct source *source = source_of_memory(data, size);
    struct reader reader = reader_over(source, 0, NULL);
    struct error err = {0};
    int r = json_walk(NULL, &reader, options, &visitor, &err);

    if (reader_offset(&reader) > size || (r < 0) != (err.text[0] != '\0'))
        abort();
    *ret_seen = seen;
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen strict, lenient;

    if (walk(data, size, JSON_STRICT, &strict) == 0 &&
        (walk(data, size, JSON_LENIENT, &lenient) < 0 || strict.events != lenient.events))
        abort();
    (void)walk(data, size, JSON_LENIENT | JSON_UTF8, &lenient);
    return 0;
}
