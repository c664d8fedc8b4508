/* SPDX-License-Identifier: Apache-2.0 */
/* What the walk over a Keras configuration gathers of an object, and who judges it. */
#ifndef LAZARET_GUEST_SCAN_KERAS_INTERNAL_H
#define LAZARET_GUEST_SCAN_KERAS_INTERNAL_H

#include "guest/scan/keras/keras_names.h"
#include "guest/scan/text/json.h"

#define KERAS_TEXT_KEPT 200u /* bytes of a name or path; longer ones are no names */

enum keras_rule {
    KERAS_RULE_BYTECODE,
    KERAS_RULE_LAMBDA,
    KERAS_RULE_LAMBDA_NAMED,
    KERAS_RULE_MODULE,
    KERAS_RULE_CALL,
    KERAS_RULE_LOADS,
    KERAS_RULE_OPERATOR,
    KERAS_RULE_VOCABULARY,
    KERAS_RULE_VOCABULARY_NAME,
    KERAS_RULE_DUPLICATE,
    KERAS_RULE_CODE,
    KERAS_RULE_UNKNOWN,
    KERAS_RULE_COUNT
};

extern const struct scan_rule keras_rules[KERAS_RULE_COUNT];

struct keras_text {
    bool given, cut;
    uint16_t size;
    uint64_t offset;
    char bytes[KERAS_TEXT_KEPT];
};

enum keras_function { KERAS_NO_FUNCTION, KERAS_FUNCTION_TEXT, KERAS_FUNCTION_OBJECT, KERAS_FUNCTION_CODE };

/* Of an object that stands under "config". */
struct keras_facts {
    enum keras_function function;
    bool is_code_text;            /* "function_type": a text under "function" is code */
    struct keras_text name;       /* the text under "function" or "cls_symbol" */
    struct keras_text vocabulary; /* the text under "vocabulary" */
    struct keras_text path;       /* the text under "filepath" */
    struct keras_text mentions;   /* names in the bytecode */
};

/* An object or array that is open. */
struct keras_frame {
    bool is_object, is_config, has_config;
    bool is_function; /* a Lambda's function, that may be a tuple */
    uint64_t offset;
    uint32_t seen;      /* keys that must not come twice, a bit each */
    uint64_t duplicate; /* where a key came twice before it was known whether that matters; 0: none did */
    struct keras_text class_name, module, registered, spec; /* spec: spec_name */
    struct keras_text config_text;                          /* a config that is a text */
    struct keras_facts own, config;                         /* own: as a config; config: of the member of that name */
};

struct keras {
    struct scan *scan;
    const struct scan_object *object;
    uint64_t base;
    bool is_keras;                  /* else only what is dangerous is told */
    int failed;                     /* the scan's own error */
    const struct json_event *event; /* under way; NULL: none is */
    uint32_t found;                 /* times that a path was asked for */
    char path[JSON_PATH_MAX];
    uint32_t open;              /* containers that are; only their frames hold anything */
    struct keras_frame *frames; /* of JSON_DEPTH_MAX */
};

MUST_USE int keras_find(struct keras *keras, enum keras_rule rule, uint64_t offset, struct error *err,
                        const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Where the event under way stands, for a finding. */
const char *keras_path(struct keras *keras);

/* Judges an object that has a class_name. */
MUST_USE int keras_judge_object(struct keras *keras, const struct keras_frame *frame, struct error *err);

/* Gathers the names that a function's bytecode, in base64, holds: what is cheaply read of it. */
void keras_mentions(const char *code, size_t size, struct keras_text *ret_mentions);

#endif
