/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations in JSON: every text in one is an entry, and a few objects say to loaders what to import.
 *
 * A file of many values one a line is data (JSON Lines), and so are vocabularies; nobody runs those.
 */
#include "guest/scan/config.h"
#include "guest/scan/formats.h"
#include "guest/scan/json.h"
#include "guest/scan/metadata.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_KEPT  120u /* bytes of a module's or class's name */
#define PAIR_DEPTH 256u /* levels on which they are remembered */
#define SHOWN      60u

/* skops' way to name an object, one for each level; also what many registries of classes write. */
struct pair {
    char module[NAME_KEPT], class[NAME_KEPT];
    bool judged;
};

struct walk {
    struct scan *scan;
    const struct scan_object *object;
    struct pair *pairs; /* of PAIR_DEPTH */
    bool notebook;
    bool recognised; /* before: objects within change what scan_is_recognised says */
    bool is_schema;  /* a format before has judged what it names */
    int failed;      /* the sink's error, which ends the walk */
};

static void keep(char *name, const struct json_event *event)
{
    size_t size = event->text_size < NAME_KEPT ? event->text_size : NAME_KEPT - 1;

    memcpy(name, event->text, size);
    name[size] = '\0';
}

static int take_pair(struct walk *walk, const struct json_event *event, struct error *err)
{
    struct pair *pair;
    char path[2 * NAME_KEPT];

    if (event->depth >= PAIR_DEPTH)
        return 0;
    pair = &walk->pairs[event->depth];
    if (json_key_is(event, "__module__"))
        keep(pair->module, event);
    else if (json_key_is(event, "__class__"))
        keep(pair->class, event);
    if (pair->module[0] == '\0' || pair->class[0] == '\0' || pair->judged)
        return 0;
    pair->judged = true;
    (void)snprintf(path, sizeof path, "%s.%s", pair->module, pair->class);
    return config_call(walk->scan, walk->object, "__module__.__class__", path, strlen(path),
                       config_judge_pair(pair->module, strlen(pair->module), pair->class, strlen(pair->class)),
                       event->offset, err);
}

/* Whether the value stands within a container under one of these keys, near or far. */
static bool is_under(const struct json_event *event, const char *const *keys, size_t count)
{
    for (uint32_t up = 1; up <= event->depth && up <= 4; up++) {
        size_t size = 0;
        const char *key = json_enclosing_key(event, up, &size);

        for (size_t i = 0; key != NULL && i < count; i++)
            if (strlen(keys[i]) == size && memcmp(keys[i], key, size) == 0)
                return true;
    }
    return false;
}

static bool is_vocabulary(const struct json_event *event)
{
    static const char *const keys[] = {
        "vocab",       "merges", "added_tokens", "added_tokens_decoder", "special_tokens", "suppress_tokens",
        "unk_surface", "itos",   "stoi"};

    return is_under(event, keys, sizeof keys / sizeof keys[0]);
}

static int see_string(struct walk *walk, const struct json_event *event, struct error *err)
{
    static const char *const maps[] = {"auto_map"};
    size_t size = event->key_size;
    const char *key = event->key;
    int r;

    if (key == NULL) /* an array's element stands under the array's key */
        key = json_enclosing_key(event, 1, &size);
    if (key == NULL)
        key = "", size = 0;
    if (event->key != NULL && !walk->is_schema &&
        (json_key_is(event, "__module__") || json_key_is(event, "__class__"))) {
        r = take_pair(walk, event, err);
        if (r < 0)
            return r;
    }
    if (is_under(event, maps, 1))
        return scan_find(walk->scan, walk->object, &config_rules[CONFIG_REMOTE_CODE], event->offset, err,
                         "auto_map: %s", TEXT(event->text, event->text_size < SHOWN ? event->text_size : SHOWN));
    if (walk->notebook || is_vocabulary(event) || event->text_cut)
        return 0;
    return config_entry(walk->scan, walk->object, key, size, event->text, event->text_size, event->offset, err);
}

static int see_value(struct walk *walk, const struct json_event *event, struct error *err)
{
    if (event->kind == JSON_OBJECT && event->depth + 1 < PAIR_DEPTH)
        walk->pairs[event->depth + 1] = (struct pair){.judged = false};
    if (event->kind == JSON_STRING)
        return see_string(walk, event, err);
    if (event->kind == JSON_TRUE && json_key_is(event, "trust_remote_code"))
        return config_entry(walk->scan, walk->object, event->key, event->key_size, "true", 4, event->offset, err);
    return 0;
}

static int see(void *argument, const struct json_event *event, struct error *err)
{
    struct walk *walk = argument;

    return walk->failed = see_value(walk, event, err);
}

static int see_piece(void *argument, const struct json_event *event, const char *bytes, size_t size, struct error *err)
{
    struct walk *walk = argument;

    if (walk->notebook || is_vocabulary(event))
        return 0;
    return walk->failed = metadata_find(walk->scan, walk->object, event->key != NULL ? event->key : "", event->key_size,
                                        bytes, size, event->offset, err);
}

/* --- the file ---------------------------------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Whether the first line is one value, and another one begins the next. */
static bool is_lines(const uint8_t *bytes, size_t size)
{
    const uint8_t *line = memchr(bytes, '\n', size);
    size_t end = line != NULL ? (size_t)(line - bytes) : 0, next = end + 1;

    while (end > 0 && is_blank(bytes[end - 1]))
        end--;
    return end > 1 && bytes[0] == '{' && bytes[end - 1] == '}' && next < size && bytes[next] == '{';
}

static bool is_notebook(const uint8_t *bytes, size_t size)
{
    return memmem(bytes, size, "\"cells\"", 7) != NULL && memmem(bytes, size, "\"cell_type\"", 11) != NULL;
}

static enum scan_match match_json(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    if (object->role != SCAN_ROLE_FILE)
        return SCAN_MATCH_NO;
    return json_may_begin(object->source, 0) ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

/* Whether it is JSON to its end. */
static int walk_json(struct walk *walk, bool *ret_whole, struct error *err)
{
    const struct json_visitor visitor = {.value = see, .piece = see_piece, .argument = walk};
    struct error cause = {0};
    struct reader reader = reader_over(walk->object->source, 0, &cause);
    uint8_t byte;
    int r = json_walk(walk->scan, &reader, JSON_LENIENT, &visitor, &cause);

    scan_looked(walk->scan, reader_offset(&reader));
    *ret_whole = r == 0 && reader_u8(&reader, &byte) == -ENODATA;
    if (walk->failed < 0) {
        if (err != NULL)
            *err = cause;
        return walk->failed;
    }
    if (r < 0 && r != -EBADMSG) { /* JSON as far as it could be had */
        scan_skipped_for(walk->scan, walk->object, r, reader_offset(&reader), &cause);
        *ret_whole = true;
    }
    return 0;
}

static int scan_json_of(struct walk *walk, bool *ret_recognised, struct error *err)
{
    bool whole = false;
    int r = walk_json(walk, &whole, err);

    if (r < 0)
        return r;
    if (whole && !walk->recognised)
        *ret_recognised = true;
    if (whole && walk->notebook)
        return scan_find(walk->scan, walk->object, &config_rules[CONFIG_NOTEBOOK], 0, err, "%s", "a Jupyter notebook");
    return 0;
}

static int scan_json(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct walk walk = {.scan = scan, .object = object, .recognised = scan_is_recognised(scan)};
    const uint64_t room = PAIR_DEPTH * sizeof walk.pairs[0];
    struct error cause = {0};
    const uint8_t *bytes;
    size_t size;
    int r = source_view(object->source, 0, SCAN_VIEW_MAX, &bytes, &size, &cause);

    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, &cause);
        return 0;
    }
    if (size > SCAN_VIEW_MAX)
        size = SCAN_VIEW_MAX;
    if (is_lines(bytes, size))
        return 0; /* text that nothing executes, as long as it is text */
    walk.notebook = is_notebook(bytes, size);
    walk.is_schema = scan_is_recognised(scan);
    if (scan_reserve(scan, room, &cause) < 0) {
        scan_skipped_for(scan, object, -ENOMEM, 0, &cause);
        return 0;
    }
    walk.pairs = calloc(1, (size_t)room);
    r = walk.pairs != NULL ? scan_json_of(&walk, ret_recognised, err)
                           : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a walk");
    free(walk.pairs);
    scan_release(scan, room);
    return r;
}

const struct scan_format scan_format_json = {
    .name = "json", .rules = config_rules, .rule_count = CONFIG_RULES, .match = match_json, .scan = scan_json};
