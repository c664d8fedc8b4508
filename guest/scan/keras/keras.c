/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over a Keras configuration.
 *
 * Theory of operation. Keras deserialises whatever has a "class_name" and a "config" (serialization_lib,
 * deserialize_keras_object; before Keras 2.13, generic_utils), and the classes' own from_config do so with what they
 * are given, at any depth. So every object is a candidate: what names it, and what its config holds, is gathered in a
 * frame a level, and judged where the object ends; members may come in any order. Other JSON is told apart by a walk
 * ahead: without a class_name at the top, only what is dangerous wherever it is read is told.
 */
#include "guest/scan/keras/keras.h"

#include "guest/scan/embedded.h"
#include "guest/scan/formats.h"
#include "guest/scan/keras/keras_internal.h"
#include "guest/scan/text/code_text.h"

#include <errno.h>
#include <string.h>

/* Operators that act (the graph's own names), as a TensorFlowOpLayer's node_def has them. */
static const char *const acting_operators[] = {
    "PyFunc", "EagerPyFunc", "PyFuncStateless", "ReadFile",  "WriteFile", "MatchingFiles", "LookupTableImport",
    "Save",   "SaveV2",      "Restore",         "RestoreV2", "PrintV2",   "DebugIdentity"};

/* Keys of which each object has one. */
enum key_bit {
    KEY_CLASS_NAME = 1,
    KEY_CONFIG = 2,
    KEY_MODULE = 4,
    KEY_REGISTERED = 8,
    KEY_FUNCTION = 16,
    KEY_VOCABULARY = 32,
    KEY_FUNCTION_TYPE = 64,
    KEY_CODE = 128,
    KEY_SPEC = 256,
    KEY_PATH = 512,
    KEY_NODE_DEF = 1024,
    KEY_SHAPE = 2048, /* and mask: a Lambda's other functions */
    KEY_COMPILE = 4096,
    KEY_ITEMS = 8192, /* of a tuple */
};

static unsigned key_bit_of(const struct json_event *event)
{
    static const struct {
        const char *key;
        unsigned bit;
    } keys[] = {
        {"class_name", KEY_CLASS_NAME},
        {"config", KEY_CONFIG},
        {"module", KEY_MODULE},
        {"registered_name", KEY_REGISTERED},
        {"function", KEY_FUNCTION},
        {"cls_symbol", KEY_FUNCTION},
        {"vocabulary", KEY_VOCABULARY},
        {"function_type", KEY_FUNCTION_TYPE},
        {"code", KEY_CODE},
        {"value", KEY_CODE},
        {"spec_name", KEY_SPEC},
        {"filepath", KEY_PATH},
        {"op", KEY_NODE_DEF},
        {"node_def", KEY_NODE_DEF},
        {"output_shape", KEY_SHAPE},
        {"mask", KEY_SHAPE},
        {"compile_config", KEY_COMPILE},
        {"items", KEY_ITEMS},
    };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (json_key_is(event, keys[i].key))
            return keys[i].bit;
    return 0;
}

static void keep(struct keras_text *text, const struct json_event *event)
{
    text->given = true;
    text->offset = event->offset;
    text->cut = event->text_cut || event->text_size > sizeof text->bytes;
    text->size = (uint16_t)(event->text_size < sizeof text->bytes ? event->text_size : sizeof text->bytes);
    memcpy(text->bytes, event->text, text->size);
}

/* --- strings ------------------------------------------------------------------------------------------------ */

static int judge_text(struct keras *keras, const struct json_event *event, const char *text, size_t size,
                      struct error *err)
{
    const char *what = "";
    size_t at;

    if (!keras->is_keras) /* other JSON has others who look at its texts */
        return 0;
    if (code_text_judge(text, size, &at, &what) != CODE_TEXT_EXECUTES)
        return 0;
    return keras_find(keras, KERAS_RULE_CODE, event->offset, err, "%s: %s", keras_path(keras), what);
}

/* An operator's name, or a whole NodeDef in JSON. */
static int judge_node(struct keras *keras, const struct json_event *event, struct error *err)
{
    for (size_t i = 0; i < sizeof acting_operators / sizeof acting_operators[0]; i++) {
        const char *name = acting_operators[i], *found = memmem(event->text, event->text_size, name, strlen(name));
        bool whole = event->text_size == strlen(name);

        if (found == NULL || (!whole && (found == event->text || found[-1] != '"' || found[strlen(name)] != '"')))
            continue;
        return keras_find(keras, KERAS_RULE_OPERATOR, event->offset, err, "%s: the operator %s", keras_path(keras),
                          name);
    }
    return 0;
}

/* A config's own member that is a text. */
static int note_fact(struct keras *keras, struct keras_frame *frame, unsigned bit, const struct json_event *event,
                     struct error *err)
{
    struct keras_facts *own = &frame->own;

    switch (bit) {
    case KEY_FUNCTION:
        keep(&own->name, event);
        if (event->text_size > KERAS_TEXT_KEPT) {
            own->function = KERAS_FUNCTION_CODE;
            keras_mentions(event->text, event->text_size, &own->mentions);
        } else if (own->function != KERAS_FUNCTION_CODE) {
            own->function = KERAS_FUNCTION_TEXT;
        }
        return 0;
    case KEY_VOCABULARY:
        keep(&own->vocabulary, event);
        return 0;
    case KEY_FUNCTION_TYPE:
        own->is_code_text = !json_text_is(event, "function");
        return 0;
    case KEY_CODE:
        keras_mentions(event->text, event->text_size, &own->mentions);
        return 0;
    case KEY_PATH:
        keep(&own->path, event);
        return 0;
    case KEY_NODE_DEF:
        return judge_node(keras, event, err);
    default:
        return 0;
    }
}

static int note_member(struct keras *keras, struct keras_frame *frame, const struct json_event *event,
                       struct error *err)
{
    unsigned bit = key_bit_of(event);

    switch (bit) {
    case KEY_CLASS_NAME:
        keep(&frame->class_name, event);
        break;
    case KEY_MODULE:
        keep(&frame->module, event);
        break;
    case KEY_REGISTERED:
        keep(&frame->registered, event);
        break;
    case KEY_SPEC:
        keep(&frame->spec, event);
        break;
    case KEY_CONFIG:
        keep(&frame->config_text, event);
        frame->has_config = true;
        break;
    default:
        break;
    }
    return note_fact(keras, frame, bit, event, err);
}

/* The first of [code, defaults, closure], as Keras 1 and 2 write a function, perhaps in a tuple. */
static void note_first(struct keras *keras, const struct json_event *event, const struct keras_frame *array)
{
    struct keras_frame *config = &keras->frames[event->depth - 2];

    if (config->is_function && event->depth > 2)
        config--;
    if (array->seen != KEY_FUNCTION && event->text_size <= 16) /* a shape's, a mask's */
        return;
    config->own.function = KERAS_FUNCTION_CODE;
    keras_mentions(event->text, event->text_size, &config->own.mentions);
}

static int on_string(struct keras *keras, const struct json_event *event, struct error *err)
{
    struct keras_frame *around = event->depth > 0 ? &keras->frames[event->depth - 1] : NULL;
    int r = 0;

    if (around != NULL && around->is_object) {
        r = note_member(keras, around, event, err);
    } else if (around != NULL && event->depth > 1 && event->index == 0 && around->seen != 0) {
        note_first(keras, event, around);
    }
    if (r == 0 && !event->text_cut)
        r = judge_text(keras, event, event->text, event->text_size, err);
    if (r == 0 && keras->is_keras && event->text_size >= EMBEDDED_SIZE_MIN)
        r = keras->failed = scan_embedded(keras->scan, keras->object, "string", event->text, event->text_size,
                                          keras->base + event->offset, err);
    if (event->text_cut && keras->is_keras)
        scan_skipped(keras->scan, keras->object, SCAN_GAP_BUDGET, keras->base + event->offset, 0,
                     "a string is longer than %u bytes", JSON_TEXT_MAX);
    return r;
}

static int on_piece(void *argument, const struct json_event *event, const char *bytes, size_t size, struct error *err)
{
    struct keras *keras = argument;

    keras->event = event;
    return judge_text(keras, event, bytes, size, err);
}

/* --- objects ------------------------------------------------------------------------------------------------ */

/* A key that an object has already: what was known till now is judged, and the new value counts. */
static int check_duplicate(struct keras *keras, const struct json_event *event, struct error *err)
{
    struct keras_frame *frame = &keras->frames[event->depth - 1];
    unsigned bit = key_bit_of(event) & (KEY_CLASS_NAME | KEY_CONFIG | KEY_MODULE | KEY_REGISTERED | KEY_FUNCTION |
                                        KEY_VOCABULARY | KEY_SPEC | KEY_COMPILE);
    int r;

    if (!frame->is_object || bit == 0)
        return 0;
    if ((frame->seen & bit) == 0) {
        frame->seen |= bit;
        return 0;
    }
    if (!frame->class_name.given && !frame->is_config) {
        frame->duplicate = event->key_offset;
        return 0;
    }
    r = keras_judge_object(keras, frame, err);
    if (r < 0)
        return r;
    return keras_find(keras, KERAS_RULE_DUPLICATE, event->key_offset, err, "%s stands twice", keras_path(keras));
}

static void on_open(struct keras *keras, const struct json_event *event)
{
    struct keras_frame *frame = &keras->frames[event->depth];
    struct keras_frame *around = event->depth > 0 ? frame - 1 : NULL;
    unsigned bit = around != NULL && around->is_object ? key_bit_of(event) : 0;

    memset(frame, 0, sizeof *frame);
    keras->open = event->depth + 1;
    frame->is_object = event->kind == JSON_OBJECT;
    frame->offset = event->offset;
    if (!frame->is_object) {
        frame->seen = bit & (KEY_FUNCTION | KEY_SHAPE); /* whose first element is code, where it is a text */
        if (bit == KEY_ITEMS && around->is_function)
            frame->seen = KEY_FUNCTION;
        return;
    }
    frame->is_config = bit == KEY_CONFIG;
    frame->is_function = bit == KEY_FUNCTION;
    if (around != NULL && bit == KEY_CONFIG)
        around->has_config = true;
}

/* A Lambda's "function" that is an object: bytecode, or a name. */
static void note_function(struct keras_frame *config, const struct keras_frame *function)
{
    static const char lambda[] = "__lambda__";

    if (config->own.function == KERAS_FUNCTION_CODE)
        return;
    config->own.function = KERAS_FUNCTION_OBJECT;
    if (function->class_name.size == sizeof lambda - 1 &&
        memcmp(function->class_name.bytes, lambda, sizeof lambda - 1) == 0) {
        config->own.function = KERAS_FUNCTION_CODE;
        config->own.mentions = function->config.mentions;
    }
}

static int on_close(struct keras *keras, const struct json_event *event, struct error *err)
{
    const struct keras_frame *frame = &keras->frames[event->depth];
    struct keras_frame *around = event->depth > 0 ? &keras->frames[event->depth - 1] : NULL;

    keras->open = event->depth;
    if (!frame->is_object)
        return 0;
    if (around != NULL && frame->is_config)
        around->config = frame->own;
    if (around != NULL && around->is_object && key_bit_of(event) == KEY_FUNCTION)
        note_function(around, frame);
    if (!frame->class_name.given)
        return 0;
    if (frame->duplicate != 0) {
        int r = keras_find(keras, KERAS_RULE_DUPLICATE, frame->duplicate, err, "%s: a member stands twice",
                           keras_path(keras));

        if (r < 0)
            return r;
    }
    return keras_judge_object(keras, frame, err);
}

static int on_value(void *argument, const struct json_event *event, struct error *err)
{
    struct keras *keras = argument;
    bool ends = event->kind == JSON_OBJECT_END || event->kind == JSON_ARRAY_END;
    int r = 0;

    keras->event = event;
    if (!ends && event->key != NULL)
        r = check_duplicate(keras, event, err);
    if (r < 0)
        return r;
    switch (event->kind) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        on_open(keras, event);
        return 0;
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
        return on_close(keras, event, err);
    case JSON_STRING:
        return on_string(keras, event, err);
    default:
        return 0;
    }
}

/* What was open where the text ended or broke off is judged too: a lenient reader may take it. */
static int judge_open(struct keras *keras, struct error *err)
{
    int r = 0;

    keras->event = NULL;
    for (uint32_t depth = keras->open; depth-- > 0 && r == 0;) {
        struct keras_frame *frame = &keras->frames[depth];

        if (!frame->is_object || !frame->class_name.given)
            continue;
        if (depth + 1 < keras->open && frame[1].is_config)
            frame->config = frame[1].own;
        r = keras_judge_object(keras, frame, err);
    }
    return r;
}

static int walk(struct keras *keras, struct source *source, struct error *err)
{
    const struct json_visitor visitor = {.value = on_value, .piece = on_piece, .argument = keras};
    struct error cause = {0};
    struct reader reader = reader_over(source, 0, &cause);
    uint64_t end;
    int r = json_walk(keras->scan, &reader, JSON_LENIENT, &visitor, &cause);

    if (keras->failed != 0) {
        if (err != NULL)
            *err = cause;
        return keras->failed;
    }
    end = reader_offset(&reader);
    scan_looked(keras->scan, end);
    if (r == 0 || !keras->is_keras)
        return 0;
    scan_skipped_for(keras->scan, keras->object, r, keras->base + end, &cause);
    return judge_open(keras, err);
}

static int scan_config(struct scan *scan, const struct scan_object *object, struct source *source, uint64_t base,
                       bool is_keras, struct error *err)
{
    const uint64_t size = JSON_DEPTH_MAX * sizeof(struct keras_frame);
    struct keras keras = {.scan = scan, .object = object, .base = base, .is_keras = is_keras};
    struct error cause = {0};
    int r = scan_reserve(scan, size, &cause);

    if (r == 0) {
        keras.frames = malloc((size_t)size);
        if (keras.frames == NULL)
            r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read a Keras configuration");
        else
            r = walk(&keras, source, err);
        free(keras.frames);
        scan_release(scan, size);
        return r;
    }
    scan_skipped_for(scan, object, r, base, &cause);
    return 0;
}

int keras_config_scan(struct scan *scan, const struct scan_object *object, struct source *source, uint64_t base,
                      struct error *err)
{
    return scan_config(scan, object, source, base, true, err);
}

/* --- files of their own --------------------------------------------------------------------------------------- */

struct survey {
    bool has_class, has_config; /* of the outermost object, or of an element of the outermost array */
    uint64_t candidates;        /* objects with a class_name anywhere */
};

static int survey_value(void *argument, const struct json_event *event, struct error *err)
{
    struct survey *survey = argument;
    size_t size;

    (void)err;
    if (event->kind == JSON_OBJECT_END || event->kind == JSON_ARRAY_END || event->key == NULL)
        return 0;
    if (json_key_is(event, "class_name") && event->kind == JSON_STRING) {
        survey->candidates++;
        survey->has_class |= event->depth == 1 || (event->depth == 2 && json_enclosing_key(event, 1, &size) == NULL);
    }
    if (json_key_is(event, "config") && event->depth <= 2)
        survey->has_config = true;
    return survey->has_class && survey->has_config ? 1 : 0;
}

static enum scan_match match_keras(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    if (object->role == SCAN_ROLE_PICKLE || object->role == SCAN_ROLE_WEIGHTS)
        return SCAN_MATCH_NO;
    return json_may_begin(object->source, 0) ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

static int scan_keras(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct survey survey = {0};
    const struct json_visitor visitor = {.value = survey_value, .argument = &survey};
    struct reader reader = reader_over(object->source, 0, NULL);
    bool is_keras;
    int r = json_walk(scan, &reader, JSON_LENIENT, &visitor, NULL);

    is_keras = r == 1;
    if (!is_keras && survey.candidates == 0)
        return 0;
    *ret_recognised = is_keras;
    return scan_config(scan, object, object->source, 0, is_keras, err);
}

const struct scan_format scan_format_keras = {
    .name = "keras", .rules = keras_rules, .rule_count = KERAS_RULE_COUNT, .match = match_keras, .scan = scan_keras};
