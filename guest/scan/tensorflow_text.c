/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorFlow's models in protobuf's text format: saved_model.pbtxt, graph.pbtxt, .meta as text.
 *
 * The same schema as of the binary format, by names instead of numbers ("Text Format Language Specification" of
 * protobuf.dev). Strings are decoded with their escapes, and adjacent ones joined. What follows a word that the
 * grammar does not allow is a gap: the loaders refuse it, but not all of them are known.
 */
#include "guest/scan/formats.h"

#include "guest/scan/embedded.h"
#include "guest/scan/keras.h"
#include "guest/scan/prototext.h"
#include "guest/scan/tensorflow_graph.h"

#include <errno.h>
#include <string.h>

#define DEPTH_MAX PROTO_VISIT_DEPTH_MAX

struct level {
    const struct proto_row *row; /* that led here; NULL for the outermost */
    uint8_t message;             /* 0: one that is passed over */
    int close;                   /* the byte that ends it */
};

struct text_scan {
    struct tensorflow_graph graph;
    struct prototext lexer;
    struct level levels[DEPTH_MAX];
    uint32_t depth;
    bool numbers;                          /* the tensor under way has another type than strings */
    uint64_t content_offset, content_size; /* of what it holds as one string; size 0 for none */
    uint8_t string[PROTOTEXT_STRING_MAX];
};

/* --- fields --------------------------------------------------------------------------------------------- */

/* An extension, "[a.b.c]", has no name of the schema. */
static void take_name(struct text_scan *text)
{
    if (prototext_peek(&text->lexer) != '[') {
        prototext_take_word(&text->lexer);
        return;
    }
    text->lexer.word_size = PROTOTEXT_WORD_MAX + 1;
    for (int c = prototext_take(&text->lexer); c >= 0 && c != ']'; c = prototext_take(&text->lexer))
        ;
}

static const struct proto_row *row_of(const struct text_scan *text, uint8_t message)
{
    for (size_t i = 0; message != 0 && i < tensorflow_row_count; i++) {
        const struct proto_row *row = &tensorflow_rows[i];

        if (row->message == message && row->name != NULL && strlen(row->name) == text->lexer.word_size &&
            memcmp(row->name, text->lexer.word, text->lexer.word_size) == 0)
            return row;
    }
    return NULL;
}

static int hand_on(struct text_scan *text, const struct proto_row *row, struct error *err)
{
    const struct scan_object *object = text->graph.object;
    CLEANUP_SOURCE struct source *source = source_of_memory(text->lexer.string, text->lexer.string_size);
    const struct scan_object inner = {.source = source, .name = "string", .role = SCAN_ROLE_GUESS, .parent = object};

    if (text->lexer.string_whole > text->lexer.string_size)
        scan_skipped(text->graph.scan, object, SCAN_GAP_UNSUPPORTED, text->lexer.string_offset,
                     text->lexer.string_whole - text->lexer.string_size, "a string of more than %u bytes",
                     PROTOTEXT_STRING_MAX);
    if (text->lexer.string_size < EMBEDDED_SIZE_MIN)
        return 0;
    if (source == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "out of memory");
    if (row->field == TENSORFLOW_KERAS_CONFIG)
        return keras_config_scan(text->graph.scan, object, source, text->lexer.string_offset, err);
    if (scan_format_tensorflow.match(text->graph.scan, &inner) != SCAN_MATCH_NO)
        return scan_object(text->graph.scan, &inner, err);
    return scan_embedded(text->graph.scan, object, "string", text->lexer.string, text->lexer.string_size,
                         text->lexer.string_offset, err);
}

/*
 * Numbers are weights. Strings are written one by one, not as content; where they are content all the same, that is a
 * gap.
 */
static void end_content(struct text_scan *text)
{
    if (text->content_size > 0)
        scan_skipped(text->graph.scan, text->graph.object, text->numbers ? SCAN_SKIP_WEIGHTS : SCAN_GAP_UNSUPPORTED,
                     text->content_offset, text->content_size, "%s",
                     text->numbers ? "" : "strings as a tensor's content");
    text->content_size = 0;
    text->numbers = false;
}

static void take_type(struct text_scan *text)
{
    static const char strings[] = "DT_STRING";
    const struct prototext *lexer = &text->lexer;

    text->numbers =
        !(lexer->word_size == sizeof strings - 1 && memcmp(lexer->word, strings, sizeof strings - 1) == 0) &&
        !(lexer->word_size == 1 && lexer->word[0] == '7');
}

static int end_string(struct text_scan *text, const struct proto_row *row, struct error *err)
{
    const struct tensorflow_text value = {
        .bytes = (const char *)text->lexer.string,
        .size = text->lexer.string_size < TENSORFLOW_TEXT_MAX ? text->lexer.string_size : TENSORFLOW_TEXT_MAX,
        .whole = text->lexer.string_whole,
        .offset = text->lexer.string_offset,
    };
    int r;

    if (row == NULL || row->child != 0 || row->type != PROTO_BYTES)
        return 0;
    if (row->field == TENSORFLOW_TENSOR_CONTENT) {
        text->content_offset = text->lexer.string_offset;
        text->content_size += text->lexer.string_whole;
        return 0;
    }
    r = tensorflow_graph_text(&text->graph, row, &value, err);
    if (r == 0 && (row->field == TENSORFLOW_ATTR_STRING || row->field == TENSORFLOW_TENSOR_STRING ||
                   row->field == TENSORFLOW_KERAS_CONFIG))
        r = hand_on(text, row, err);
    return r;
}

static int open_message(struct text_scan *text, const struct proto_row *row, int close, uint64_t offset)
{
    if (text->depth == DEPTH_MAX) {
        text->lexer.damaged = true;
        return 0;
    }
    text->levels[text->depth++] = (struct level){.row = row, .message = row != NULL ? row->child : 0, .close = close};
    if (row != NULL && row->field == TENSORFLOW_IS_TENSOR)
        end_content(text); /* of the tensor around it, if any */
    return row != NULL ? tensorflow_graph_enter(&text->graph, row, offset) : 0;
}

/* A value, or the beginning of a message. Lists come here once an element, as commas are blanks. */
static int take_value(struct text_scan *text, const struct proto_row *row, uint64_t offset, struct error *err)
{
    int c = prototext_peek(&text->lexer);

    if (c == '{' || c == '<') {
        (void)prototext_take(&text->lexer);
        return open_message(text, row, c == '{' ? '}' : '>', offset);
    }
    if (c == '"' || c == '\'') {
        prototext_take_string(&text->lexer);
        return end_string(text, row, err);
    }
    prototext_take_word(&text->lexer);
    text->lexer.damaged = text->lexer.damaged || text->lexer.word_size == 0;
    if (row != NULL && row->field == TENSORFLOW_TENSOR_TYPE)
        take_type(text);
    return 0;
}

/* A list is a level of its own, whose elements have no names and are each what the field is. */
static int open_list(struct text_scan *text, const struct proto_row *row)
{
    (void)prototext_take(&text->lexer);
    if (text->depth == DEPTH_MAX)
        text->lexer.damaged = true;
    else
        text->levels[text->depth++] = (struct level){.row = row, .close = ']'};
    return 0;
}

static int close_level(struct text_scan *text, struct error *err)
{
    const struct level *level = &text->levels[--text->depth];

    if (level->row != NULL && level->row->field == TENSORFLOW_IS_TENSOR)
        end_content(text);
    return level->row != NULL && level->close != ']' ? tensorflow_graph_leave(&text->graph, level->row, err) : 0;
}

static int take_field(struct text_scan *text, struct error *err)
{
    const struct level *level = &text->levels[text->depth - 1];
    uint64_t offset = reader_offset(&text->lexer.reader);
    const struct proto_row *row = level->row;

    if (level->close != ']') {
        take_name(text);
        if (text->lexer.word_size == 0) {
            text->lexer.damaged = true;
            return 0;
        }
        row = row_of(text, level->message);
        prototext_skip_blanks(&text->lexer);
        if (prototext_peek(&text->lexer) == ':')
            (void)prototext_take(&text->lexer);
        prototext_skip_blanks(&text->lexer);
        if (prototext_peek(&text->lexer) == '[')
            return open_list(text, row);
    }
    return take_value(text, row, offset, err);
}

static int scan_fields(struct text_scan *text, uint8_t root, struct error *err)
{
    int r = 0;

    text->levels[0] = (struct level){.row = NULL, .message = root, .close = -1};
    text->depth = 1;
    while (r == 0 && text->depth > 0 && !text->lexer.damaged) {
        int c;

        /* What was found may have moved the source's views. */
        reader_seek(&text->lexer.reader, reader_offset(&text->lexer.reader));
        prototext_skip_blanks(&text->lexer);
        c = prototext_peek(&text->lexer);
        if (c >= 0 && c == text->levels[text->depth - 1].close) {
            (void)prototext_take(&text->lexer);
            r = close_level(text, err);
        } else if (c < 0) {
            text->lexer.damaged = text->depth > 1;
            break;
        } else {
            r = take_field(text, err);
        }
    }
    while (r == 0 && text->depth > 0) /* what was open when the text ended is judged as far as it is known */
        r = close_level(text, err);
    return r == 0 ? tensorflow_graph_leave(&text->graph, NULL, err) : r;
}

/* --- the format ----------------------------------------------------------------------------------------- */

/* The messages that a text may have at its top, and what it is then. */
static const struct start {
    const char *word;
    uint8_t root;
} starts[] = {
    {"meta_graphs", TENSORFLOW_SAVED_MODEL},
    {"meta_info_def", TENSORFLOW_META_GRAPH},
    {"graph_def", TENSORFLOW_META_GRAPH},
    {"saver_def", TENSORFLOW_META_GRAPH},
    {"collection_def", TENSORFLOW_META_GRAPH},
    {"signature_def", TENSORFLOW_META_GRAPH},
    {"asset_file_def", TENSORFLOW_META_GRAPH},
    {"object_graph_def", TENSORFLOW_META_GRAPH},
    {"node", TENSORFLOW_GRAPH},
    {"library", TENSORFLOW_GRAPH},
    {"versions", TENSORFLOW_GRAPH},
    {"debug_info", TENSORFLOW_GRAPH},
    {"nodes", TENSORFLOW_KERAS_METADATA},
};

static bool is_word(const struct prototext *text, const char *word)
{
    return text->word_size == strlen(word) && memcmp(text->word, word, text->word_size) == 0;
}

/* The kind of message that a text is, by the first message in it; 0 for none. Numbers and comments may come before. */
static uint8_t root_of(struct source *source)
{
    struct prototext text = {.reader = reader_over(source, 0, NULL)};

    for (;;) {
        bool number;

        prototext_skip_blanks(&text);
        prototext_take_word(&text);
        if (text.word_size == 0 || text.word_size > PROTOTEXT_WORD_MAX)
            return 0;
        number = is_word(&text, "saved_model_schema_version") || is_word(&text, "version");
        if (!number)
            break;
        prototext_skip_blanks(&text);
        if (prototext_take(&text) != ':')
            return 0;
        prototext_skip_blanks(&text);
        prototext_take_word(&text);
    }
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        int next;

        if (!is_word(&text, starts[i].word))
            continue;
        prototext_skip_blanks(&text);
        next = prototext_take(&text);
        while (next == ':' || next == '[') {
            prototext_skip_blanks(&text);
            next = prototext_take(&text);
        }
        return next == '{' || next == '<' ? starts[i].root : 0;
    }
    return 0;
}

static enum scan_match match_tensorflow_text(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return root_of(object->source) != 0 ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_tensorflow_text(struct scan *scan, const struct scan_object *object, bool *ret_recognised,
                                struct error *err)
{
    CLEANUP_FREE struct text_scan *text = NULL;
    struct error cause = {0};
    uint64_t offset;
    int r = scan_reserve(scan, sizeof *text, NULL);

    (void)ret_recognised;
    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, NULL);
        return 0;
    }
    text = calloc(1, sizeof *text);
    if (text == NULL) {
        scan_release(scan, sizeof *text);
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "out of memory");
    }
    text->graph.scan = scan;
    text->graph.object = object;
    text->lexer.reader = reader_over(object->source, 0, &cause);
    text->lexer.string = text->string;
    r = scan_fields(text, root_of(object->source), err);
    offset = reader_offset(&text->lexer.reader);
    scan_looked(scan, offset);
    if (cause.text[0] != '\0')
        scan_skipped_for(scan, object, cause.code, offset, &cause);
    else if (text->lexer.damaged)
        scan_skipped_for(scan, object, -EBADMSG, offset, NULL);
    scan_release(scan, sizeof *text);
    return r;
}

const struct scan_format scan_format_tensorflow_text = {
    .name = "tensorflow-text",
    .match = match_tensorflow_text,
    .scan = scan_tensorflow_text,
};
