/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a walk over JSON, shared by the files that make it up. */
#ifndef LAZARET_GUEST_SCAN_JSON_INTERNAL_H
#define LAZARET_GUEST_SCAN_JSON_INTERNAL_H

#include "guest/scan/text/json.h"
#include "guest/scan/text/json_chars.h"

#define JSON_SPILL_MAX 4096u

/* A container that is open. */
struct json_level {
    bool is_object, has_key, key_cut;
    uint8_t key_size;
    char key[JSON_KEY_KEPT]; /* under which it stands itself */
    uint64_t index;          /* its own */
    uint64_t count;          /* of the values in it so far */
};

struct json_buffer {
    char bytes[JSON_TEXT_MAX + 1];
    size_t size;
    bool cut;
};

struct json {
    struct json_chars chars;
    const struct json_visitor *visitor;
    unsigned options;
    struct error *err;
    struct json_event event; /* of the value due */
    uint32_t depth;          /* containers open */
    struct json_level levels[JSON_DEPTH_MAX];
    struct json_buffer key, text;
    char spill[JSON_SPILL_MAX];
    size_t spilled;
};

/* -EBADMSG: "at offset N" and what is wrong there. */
int json_bad(struct json *json, const char *what);

/* The next character, or the next that is neither a blank nor in a comment; it stays. */
MUST_USE int json_peek(struct json *json, uint32_t *ret_char);
MUST_USE int json_peek_solid(struct json *json, uint32_t *ret_char);

/* Behind the opening quote, to the closing one, into json->key or json->text. */
MUST_USE int json_read_string(struct json *json, struct json_buffer *out);
/* A number, a word's characters, into json->text. */
MUST_USE int json_read_number(struct json *json);
MUST_USE int json_take_word(struct json *json, const char *word);

#endif
