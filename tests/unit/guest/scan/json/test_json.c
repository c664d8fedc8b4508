/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over JSON against Python's json: the same values, texts and keys, and the same texts refused. */
#include "unit/harness.h"

#include "base/buffer.h"
#include "guest/scan/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GENERATE "/usr/bin/python3 tests/unit/guest/scan/json/make_json.py"

struct listing {
    char *text;
    size_t size, room;
    const uint8_t *bytes; /* where one byte is one character, to check offsets by */
    char *whole;          /* of the string that came in pieces */
    size_t whole_size;
    uint32_t wrong_offsets;
    char path[JSON_PATH_MAX]; /* of the last string "here" */
};

static const char *kind_name(enum json_kind kind)
{
    static const char *const names[] = {"null",   "false",      "true",  "number",   "string",
                                        "object", "object-end", "array", "array-end"};

    return names[kind];
}

static void add(struct listing *listing, const char *bytes, size_t size)
{
    if (listing->size + size + 1 > listing->room) {
        listing->room = 2 * (listing->size + size + 1);
        listing->text = realloc(listing->text, listing->room);
    }
    memcpy(listing->text + listing->size, bytes, size);
    listing->size += size;
    listing->text[listing->size] = '\0';
}

static void add_hex(struct listing *listing, const char *bytes, size_t size)
{
    char hex[3];

    for (size_t i = 0; i < size; i++) {
        (void)snprintf(hex, sizeof hex, "%02x", (uint8_t)bytes[i]);
        add(listing, hex, 2);
    }
}

static void check_offset(struct listing *listing, const struct json_event *event)
{
    static const char *const begins[] = {"n", "f", "t", "-0123456789NI", "\"", "{", "}", "[", "]"};

    if (listing->bytes == NULL)
        return;
    if (strchr(begins[event->kind], listing->bytes[event->offset]) == NULL)
        listing->wrong_offsets++;
    if (event->key != NULL && event->kind != JSON_OBJECT_END && event->kind != JSON_ARRAY_END &&
        listing->bytes[event->key_offset] != '"')
        listing->wrong_offsets++;
}

static int list_value(void *argument, const struct json_event *event, struct error *err)
{
    struct listing *listing = argument;
    char head[64];
    int size = snprintf(head, sizeof head, "%u %s ", event->depth, kind_name(event->kind));

    (void)err;
    check_offset(listing, event);
    add(listing, head, (size_t)size);
    add(listing, event->key != NULL ? "k" : "-", 1);
    if (event->key != NULL)
        add_hex(listing, event->key, event->key_size);
    add(listing, " ", 1);
    if (event->text_cut)
        add_hex(listing, listing->whole, listing->whole_size);
    else
        add_hex(listing, event->text, event->text_size);
    listing->whole_size = 0;
    add(listing, "\n", 1);
    if (json_text_is(event, "here"))
        (void)json_path(event, listing->path);
    return 0;
}

static int keep_piece(void *argument, const struct json_event *event, const char *bytes, size_t size, struct error *err)
{
    struct listing *listing = argument;
    char path[JSON_PATH_MAX];

    (void)err;
    CU_ASSERT(event->depth == 0 || json_path(event, path)[0] != '\0');
    listing->whole = realloc(listing->whole, listing->whole_size + size);
    memcpy(listing->whole + listing->whole_size, bytes, size);
    listing->whole_size += size;
    return 0;
}

static int walk(const void *data, size_t size, unsigned options, struct listing *listing, uint64_t *ret_end,
                struct error *err)
{
    const struct json_visitor visitor = {.value = list_value, .piece = keep_piece, .argument = listing};
    CLEANUP_SOURCE struct source *source = source_of_memory(data, size);
    struct reader reader = reader_over(source, 0, err);
    int r = json_walk(NULL, &reader, options, &visitor, err);

    *ret_end = reader_offset(&reader);
    return r;
}

static void release(struct listing *listing)
{
    free(listing->text);
    free(listing->whole);
}

/* --- against Python --------------------------------------------------------------------------------------- */

static bool get(FILE *from, void *bytes, size_t size)
{
    return size == 0 || fread(bytes, size, 1, from) == 1;
}

static void compare_case(FILE *from, uint32_t size, uint32_t *taken_count)
{
    CLEANUP_FREE uint8_t *data = malloc(size + 1);
    CLEANUP_FREE char *expected = NULL;
    struct listing listing = {0};
    struct error err = {0};
    uint32_t lines = 0;
    uint8_t taken = 0;
    uint64_t end;
    int r;

    CU_ASSERT_FATAL(data != NULL && get(from, data, size) && get(from, &taken, 1) && get(from, &lines, 4));
    expected = calloc(1, lines + 1);
    CU_ASSERT_FATAL(expected != NULL && get(from, expected, lines));
    add(&listing, "", 0);
    listing.bytes = size > 0 && data[0] != 0 && data[0] < 0x80 && (size < 2 || data[1] != 0) ? data : NULL;
    r = walk(data, size, JSON_STRICT, &listing, &end, &err);
    CU_ASSERT_EQUAL(r == 0 && end == size, taken == 1);
    if (r < 0)
        CU_ASSERT(r == -EBADMSG && strstr(err.text, "offset") != NULL);
    if (taken == 1)
        CU_ASSERT_STRING_EQUAL(listing.text, expected);
    CU_ASSERT_EQUAL(listing.wrong_offsets, 0);
    *taken_count += taken;
    release(&listing);
}

static void agrees_with_python(void)
{
    FILE *from = popen(GENERATE " 20261122 3000", "re");
    uint32_t size, cases = 0, taken = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(from);
    while (fread(&size, 4, 1, from) == 1) {
        compare_case(from, size, &taken);
        cases++;
    }
    CU_ASSERT_EQUAL(pclose(from), 0);
    CU_ASSERT_EQUAL(cases, 3000);
    CU_ASSERT(taken > 1500 && taken < 2900); /* both kinds stood among them */
}

/* --- limits and questions --------------------------------------------------------------------------------- */

static int nested(uint32_t depth)
{
    CLEANUP_FREE char *text = calloc(2, depth);
    struct listing listing = {0};
    struct error err = {0};
    uint64_t end;
    int r;

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    r = walk(text, 2 * depth, JSON_STRICT, &listing, &end, &err);
    release(&listing);
    return r;
}

static void depth_is_bounded(void)
{
    CU_ASSERT_EQUAL(nested(JSON_DEPTH_MAX), 0);
    CU_ASSERT_EQUAL(nested(JSON_DEPTH_MAX + 1), -EFBIG);
    CU_ASSERT_EQUAL(nested(1000000), -EFBIG);
}

static void paths_are_told(void)
{
    static const char text[] = "{\"config\": {\"layers\": [1, {\"n\\u0061me\": [[], [\"x\", \"here\"]]}]}}";
    struct listing listing = {0};
    uint64_t end;

    CU_ASSERT_EQUAL(walk(text, sizeof text - 1, JSON_STRICT, &listing, &end, NULL), 0);
    CU_ASSERT_STRING_EQUAL(listing.path, "config.layers[1].name[1][1]");
    release(&listing);
}

static int keep_cut(void *argument, const struct json_event *event, struct error *err)
{
    struct json_event *kept = argument;

    (void)err;
    if (event->kind == JSON_STRING)
        *kept = *event;
    return 0;
}

static void long_texts_are_cut(void)
{
    size_t size = 3 * JSON_TEXT_MAX;
    CLEANUP_FREE char *text = calloc(1, size);
    struct json_event kept = {0};
    const struct json_visitor visitor = {.value = keep_cut, .argument = &kept};
    CLEANUP_SOURCE struct source *source = source_of_memory(text, size);
    struct reader reader = reader_over(source, 0, NULL);

    memset(text, 'a', size);
    text[0] = text[size - 1] = '"';
    CU_ASSERT_EQUAL(json_walk(NULL, &reader, JSON_STRICT, &visitor, NULL), 0);
    CU_ASSERT(kept.text_cut && kept.text_size == JSON_TEXT_MAX);
    CU_ASSERT_EQUAL(reader_offset(&reader), size);
}

static int accepts(const char *text, unsigned options)
{
    struct listing listing = {0};
    uint64_t end;
    int r = walk(text, strlen(text), options, &listing, &end, NULL);

    release(&listing);
    return r == 0 && end == strlen(text) ? 1 : 0;
}

static void lenient_takes_more(void)
{
    static const char *const only_lenient[] = {
        "[1,]", "{\"a\":1,}", "/* x */ [1] // end\n", "[1 /**/, // b\n2]", "\"a\tb\"",
    };
    static const char *const never[] = {"[,]", "[1 2]", "{1:2}", "/* [1]", "[1]/", "{\"a\":}", "[1", "", "{,}"};

    for (size_t i = 0; i < HARNESS_COUNT(only_lenient); i++) {
        CU_ASSERT_EQUAL(accepts(only_lenient[i], JSON_LENIENT), 1);
        CU_ASSERT_EQUAL(accepts(only_lenient[i], JSON_STRICT), 0);
    }
    for (size_t i = 0; i < HARNESS_COUNT(never); i++)
        CU_ASSERT_EQUAL(accepts(never[i], JSON_LENIENT), 0);
}

static void beginnings_are_found(void)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool may;
    } cases[] = {{"{", 1, true},       {" \n[1]", 5, true},    {"x{", 2, false},           {"", 0, false},
                 {"{\0\"\0", 4, true}, {"\0[\0\"", 4, true},   {"\xef\xbb\xbf{", 4, true}, {"\xff\xfe{\0", 4, true},
                 {"\0\0\0[", 4, true}, {"\x80\x04", 2, false}, {"\"a\"", 3, false},        {"   ", 3, false}};

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        CLEANUP_SOURCE struct source *source = source_of_memory(cases[i].bytes, cases[i].size);

        CU_ASSERT_EQUAL(json_may_begin(source, 0), cases[i].may);
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"generated texts are read and refused as Python does", agrees_with_python},
        {"depth is bounded", depth_is_bounded},
        {"a value's path is told", paths_are_told},
        {"a long text is cut, and passed", long_texts_are_cut},
        {"the lenient reader takes comments and trailing commas", lenient_takes_more},
        {"where JSON may begin", beginnings_are_found},
    };

    if (access("/usr/bin/python3", X_OK) != 0) {
        puts("/usr/bin/python3 is missing: its json is what this test compares with");
        return HARNESS_SKIPPED;
    }
    return harness_run("json", tests, HARNESS_COUNT(tests));
}
