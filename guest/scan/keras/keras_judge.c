/* SPDX-License-Identifier: Apache-2.0 */
/* What an object of a Keras configuration would do when it is deserialised. */
#include "guest/scan/keras/keras_internal.h"
#include "guest/scan/text.h"
#include "guest/scan/text/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct scan_rule keras_rules[KERAS_RULE_COUNT] = {
    [KERAS_RULE_BYTECODE] = {"keras-bytecode", SCAN_CRITICAL,
                             "Python bytecode from the file runs when the model is loaded or used."},
    [KERAS_RULE_LAMBDA] = {"keras-lambda", SCAN_HIGH, "A Lambda layer runs code from the file."},
    [KERAS_RULE_LAMBDA_NAMED] = {"keras-lambda-named", SCAN_MEDIUM,
                                 "A Lambda layer calls a function that is named only."},
    [KERAS_RULE_MODULE] = {"keras-module", SCAN_CRITICAL,
                           "A module that has no layers is imported, and what it holds is called."},
    [KERAS_RULE_CALL] = {"keras-call", SCAN_HIGH, "A function is called that reads, writes, fetches or unlocks."},
    [KERAS_RULE_LOADS] = {"keras-loads", SCAN_HIGH, "Another model is loaded, by a loader that runs code."},
    [KERAS_RULE_OPERATOR] = {"keras-operator", SCAN_HIGH, "A TensorFlow operator reads, writes or runs Python code."},
    [KERAS_RULE_VOCABULARY] = {"keras-vocabulary", SCAN_HIGH,
                               "A file or URL of the attacker's choice is read into the model's vocabulary."},
    [KERAS_RULE_VOCABULARY_NAME] = {"keras-vocabulary-name", SCAN_MEDIUM, "A vocabulary is read from another file."},
    [KERAS_RULE_DUPLICATE] = {"keras-duplicate-key", SCAN_HIGH,
                              "Of two members of the same name one is hidden from those who look."},
    [KERAS_RULE_CODE] = {"keras-code", SCAN_HIGH, "A text of the configuration is code that acts."},
    [KERAS_RULE_UNKNOWN] = {"keras-unknown", SCAN_MEDIUM, "A class or function that is not Keras's own is used."},
};

#define PATHS_MAX (4u * SCAN_FINDINGS_MAX)

/* As an argument: a text that was kept. */
#define KEPT(text) TEXT((text).bytes, (text).size)

int keras_find(struct keras *keras, enum keras_rule rule, uint64_t offset, struct error *err, const char *format, ...)
{
    char detail[SCAN_DETAIL_MAX];
    va_list arguments;

    if (!keras->is_keras && keras_rules[rule].severity < SCAN_HIGH)
        return 0;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    return keras->failed =
               scan_find(keras->scan, keras->object, &keras_rules[rule], keras->base + offset, err, "%s", detail);
}

const char *keras_path(struct keras *keras)
{
    if (keras->found++ >= PATHS_MAX) /* no more of them are listed, and a path takes its time */
        return "...";
    if (keras->event == NULL)
        return "where the text breaks off";
    return json_path(keras->event, keras->path)[0] != '\0' ? keras->path : "at the top";
}

static struct keras_name name_of(const struct keras_text *text)
{
    return text->given ? (struct keras_name){text->bytes, text->size} : (struct keras_name){NULL, 0};
}

static int judge_lambda(struct keras *keras, const struct keras_frame *frame, struct error *err)
{
    const struct keras_facts *config = &frame->config;
    struct keras_name name = name_of(&config->name);
    uint64_t offset = frame->class_name.offset;

    if (config->function == KERAS_FUNCTION_CODE)
        return keras_find(keras, KERAS_RULE_BYTECODE, offset, err, "%s: a Lambda layer with bytecode%s%s",
                          keras_path(keras), config->mentions.size > 0 ? " that names " : "", KEPT(config->mentions));
    if (config->function == KERAS_FUNCTION_OBJECT)
        return keras_find(keras, KERAS_RULE_LAMBDA_NAMED, offset, err, "%s: a Lambda layer", keras_path(keras));
    if (config->function == KERAS_NO_FUNCTION)
        return keras_find(keras, KERAS_RULE_LAMBDA, offset, err, "%s: a Lambda layer", keras_path(keras));
    if (config->is_code_text || !keras_is_identifier(name) || config->name.cut)
        return keras_find(keras, KERAS_RULE_LAMBDA, offset, err, "%s: a Lambda layer with the code '%s'",
                          keras_path(keras), KEPT(config->name));
    return keras_find(keras, KERAS_RULE_LAMBDA_NAMED, offset, err, "%s: a Lambda layer that calls '%s'",
                      keras_path(keras), KEPT(config->name));
}

/* A path, a URL: what may reach anywhere; else a plain file name. */
static bool may_reach(const struct keras_text *text)
{
    return text->cut || memchr(text->bytes, '/', text->size) != NULL || memchr(text->bytes, '\\', text->size) != NULL ||
           memchr(text->bytes, ':', text->size) != NULL || (text->size > 0 && text->bytes[0] == '~');
}

static int judge_lookup(struct keras *keras, const struct keras_frame *frame, struct error *err)
{
    const struct keras_text *vocabulary = &frame->config.vocabulary;

    if (!vocabulary->given || vocabulary->size == 0)
        return 0;
    return keras_find(keras, may_reach(vocabulary) ? KERAS_RULE_VOCABULARY : KERAS_RULE_VOCABULARY_NAME,
                      vocabulary->offset, err, "%s: %s reads its vocabulary from '%s'", keras_path(keras),
                      KEPT(frame->class_name), KEPT(*vocabulary));
}

static int judge_operator(struct keras *keras, const struct keras_frame *frame, struct error *err)
{
    const struct keras_text *name = &frame->config.name;
    const char *reason = "";

    if (!name->given)
        return 0; /* TensorFlowOpLayer's operators are told where their names stand */
    switch (keras_judge_tensorflow(name_of(name), &reason)) {
    case KERAS_HARMLESS:
        return 0;
    case KERAS_UNSAFE_CALL:
        return keras_find(keras, KERAS_RULE_OPERATOR, name->offset, err, "%s: %s calls '%s', which %s",
                          keras_path(keras), KEPT(frame->class_name), KEPT(*name), reason);
    default:
        return keras_find(keras, KERAS_RULE_UNKNOWN, name->offset, err, "%s: %s calls '%s'", keras_path(keras),
                          KEPT(frame->class_name), KEPT(*name));
    }
}

/* The part of a judgement that needs no more than the names. `what` is the name that was judged. */
static int tell(struct keras *keras, const struct keras_frame *frame, enum keras_known known,
                const struct keras_text *what, const char *reason, struct error *err)
{
    const char *module = frame->module.given ? KEPT(frame->module) : "Keras";

    switch (known) {
    case KERAS_UNSAFE_MODULE:
        return keras_find(keras, KERAS_RULE_MODULE, what->offset, err, "%s: '%s' of '%s' %s", keras_path(keras),
                          KEPT(*what), module, reason);
    case KERAS_UNSAFE_CALL:
        return keras_find(keras, KERAS_RULE_CALL, what->offset, err, "%s: '%s' of '%s' %s", keras_path(keras),
                          KEPT(*what), module, reason);
    case KERAS_UNKNOWN:
        return keras_find(keras, KERAS_RULE_UNKNOWN, what->offset, err, "%s: '%s' of '%s'", keras_path(keras),
                          KEPT(*what),
                          frame->module.given       ? module
                          : frame->registered.given ? KEPT(frame->registered)
                                                    : "?");
    default:
        return 0;
    }
}

/* Keras looks the registered name up too: among what is registered, and in the module (_retrieve_class_or_fn). */
static enum keras_known judge_registered(const struct keras_frame *frame, const char **ret_reason)
{
    const struct keras_name none = {NULL, 0};
    enum keras_known known = keras_judge(none, name_of(&frame->registered), false, ret_reason), inside;

    if (known == KERAS_FUNCTION) /* how a function without a registration is written */
        known = KERAS_HARMLESS;
    if (!frame->module.given || (known != KERAS_HARMLESS && known != KERAS_UNKNOWN))
        return known;
    inside = keras_judge(name_of(&frame->module), name_of(&frame->registered), false, ret_reason);
    return inside == KERAS_UNSAFE_CALL || inside == KERAS_UNSAFE_MODULE ? inside : known;
}

static int judge_function(struct keras *keras, const struct keras_frame *frame, struct error *err)
{
    const struct keras_text *name = frame->config_text.given ? &frame->config_text : &frame->class_name;
    const char *reason = "";
    enum keras_known known = keras_judge(name_of(&frame->module), name_of(name), true, &reason);

    if (known == KERAS_LAMBDA || known == KERAS_LAMBDA_CODE || known == KERAS_LOADS || known == KERAS_OPERATOR)
        known = KERAS_UNSAFE_CALL; /* a layer in a function's place */
    else if (known != KERAS_HARMLESS && known != KERAS_UNSAFE_CALL && known != KERAS_UNSAFE_MODULE)
        known = KERAS_UNKNOWN;
    if (known == KERAS_HARMLESS || known == KERAS_UNKNOWN) {
        enum keras_known registered = frame->registered.given ? judge_registered(frame, &reason) : KERAS_HARMLESS;

        if (registered == KERAS_UNSAFE_CALL || registered == KERAS_UNSAFE_MODULE)
            return tell(keras, frame, registered, &frame->registered, reason, err);
    }
    return tell(keras, frame, known, name, reason, err);
}

static int judge_type(struct keras *keras, const struct keras_frame *frame, struct error *err)
{
    struct keras_name name = name_of(&frame->spec), module = name_of(&frame->module);
    const char *reason = "";
    enum keras_known known = keras_judge(module, name, false, &reason);
    bool is_type = names_end_with(name.bytes, name.size, "Spec") || names_end_with(name.bytes, name.size, "Shape");

    if (known == KERAS_UNSAFE_CALL && is_type)
        known = KERAS_HARMLESS; /* a type of TensorFlow's, wherever it is defined */
    else if (known == KERAS_UNKNOWN && is_type && module.size > 10 && memcmp(module.bytes, "tensorflow", 10) == 0)
        known = KERAS_HARMLESS;
    return tell(keras, frame, known, frame->spec.given ? &frame->spec : &frame->class_name, reason, err);
}

/* By the class's name as it is given, then by the name under which it is said to be registered. */
static enum keras_known judge_names(const struct keras_frame *frame, const struct keras_text **ret_what,
                                    const char **ret_reason)
{
    const char *reason = "";
    enum keras_known known, registered;

    *ret_what = &frame->class_name;
    known = keras_judge(name_of(&frame->module), name_of(&frame->class_name), false, ret_reason);
    if (frame->class_name.cut || frame->module.cut)
        return KERAS_UNKNOWN;
    if ((known != KERAS_HARMLESS && known != KERAS_UNKNOWN) || !frame->registered.given || frame->registered.size == 0)
        return known;
    registered = judge_registered(frame, &reason);
    if (registered == KERAS_HARMLESS)
        return known;
    *ret_what = &frame->registered;
    *ret_reason = reason;
    return registered;
}

int keras_judge_object(struct keras *keras, const struct keras_frame *frame, struct error *err)
{
    const struct keras_text *what;
    const char *reason = "";
    enum keras_known known;

    if (!frame->class_name.given || !(keras->is_keras || frame->has_config || frame->module.given))
        return 0;
    known = judge_names(frame, &what, &reason);
    switch (known) {
    case KERAS_LAMBDA:
        return judge_lambda(keras, frame, err);
    case KERAS_LAMBDA_CODE:
        return keras_find(keras, KERAS_RULE_BYTECODE, what->offset, err, "%s: a function's bytecode%s%s",
                          keras_path(keras), frame->config.mentions.size > 0 ? " that names " : "",
                          KEPT(frame->config.mentions));
    case KERAS_LOOKUP:
        return judge_lookup(keras, frame, err);
    case KERAS_OPERATOR:
        return judge_operator(keras, frame, err);
    case KERAS_LOADS:
        return keras_find(keras, KERAS_RULE_LOADS, what->offset, err, "%s: %s %s%s%s", keras_path(keras), KEPT(*what),
                          reason, frame->config.path.given ? ": " : "", KEPT(frame->config.path));
    case KERAS_FUNCTION:
        return judge_function(keras, frame, err);
    case KERAS_TYPE:
        return judge_type(keras, frame, err);
    default:
        return tell(keras, frame, known, what, reason, err);
    }
}
