/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Jinja template would do besides putting a chat's messages into text.
 *
 * Theory of operation. A chat template runs on whoever loads the model; several loaders run it without a sandbox, where
 * any object leads over its class to every module of the process (CVE-2024-34359). The template is cut into its blocks
 * and those into tokens, as Jinja's own lexer does; text between blocks, comments and {% raw %} are no code. Ordinary
 * templates use names, subscripts, methods of str and dict, and a few filters. They never name Python's inner
 * attributes, neither after a dot nor in a string, whatever way the string is put together: so strings are read with
 * their escapes, and looked at one by one, one after another, backwards, and in any case.
 */
#ifndef LAZARET_GUEST_SCAN_JINJA_H
#define LAZARET_GUEST_SCAN_JINJA_H

#include <stdbool.h>
#include <stddef.h>

enum jinja_trait {
    JINJA_INTERNALS, /* Python's inner attributes, by name or in a string */
    JINJA_COMPUTED,  /* an attribute by a name that is computed */
    JINJA_CALL,      /* a call that runs commands or opens files */
    JINJA_INCLUDE,   /* another template, read from the loader's disk */
    JINJA_ODD,       /* what ordinary templates do not have: pieces of inner names, |attr, a web framework's objects */
    JINJA_BOMB,      /* numbers of repetitions that no text needs */
    JINJA_TRAIT_COUNT
};

struct jinja {
    unsigned blocks; /* {{ }} and {% %} */
    struct {
        bool found;
        size_t offset;    /* of the first */
        const char *what; /* lives for ever */
    } traits[JINJA_TRAIT_COUNT];
};

/* Judges a template. Never fails: what is malformed ends where Jinja would refuse it, or later. */
void jinja_judge(const void *bytes, size_t size, struct jinja *ret_jinja);

/* Whether a text has a block at all. */
bool jinja_has_blocks(const void *bytes, size_t size);

#endif
