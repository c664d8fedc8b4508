/* SPDX-License-Identifier: Apache-2.0 */
/* The form of the tables of globals. */
#ifndef LAZARET_GUEST_SCAN_PICKLE_GLOBALS_TABLE_H
#define LAZARET_GUEST_SCAN_PICKLE_GLOBALS_TABLE_H

#include "guest/scan/pickle/globals.h"

#include <stdint.h>

/* A module and names of it, in order of their bytes, with one blank between each. */
struct global_module {
    const char *module, *names;
};

/* Pairs of which the same holds for the same reason; modules in order of their bytes, each once. */
struct global_group {
    enum global_class class;
    const char *reason;
    const struct global_module *modules;
    uint32_t count;
};

/* The groups of a file; `more` is the next file's of the same packages, or NULL. */
struct global_table {
    const struct global_group *groups;
    uint32_t count;
    const struct global_table *more;
};

#define GLOBAL_GROUP(class_, modules_, reason_)                                                                        \
    {                                                                                                                  \
        .class = (class_), .reason = (reason_), .modules = (modules_),                                                 \
        .count = sizeof(modules_) / sizeof((modules_)[0])                                                              \
    }

extern const struct global_table globals_builtins, globals_images, globals_language, globals_numpy, globals_sklearn,
    globals_stdlib, globals_tabular, globals_timm, globals_torch, globals_transformers, globals_transformers_models1,
    globals_transformers_models2, globals_transformers_training, globals_vision;
extern const struct global_table globals_dangerous;

/* Which table has the modules of a top-level package; in order of the packages' names. */
struct global_package {
    const char *package;
    const struct global_table *table;
};

extern const struct global_package global_packages[];
extern const uint32_t global_package_count;

/* A text and what it stands for, or why it is dangerous; in order of the texts. */
struct global_text {
    const char *text, *meaning;
};

struct global_texts {
    const struct global_text *entries;
    uint32_t count;
};

/* Python 2's names: "module name" to "module name", and modules to modules; packages that moved, to where they were. */
extern const struct global_texts globals_python2_names, globals_python2_modules, globals_moved;

/* Dangerous: modules with all that is below them, names whatever their module, any part of a module's path. */
extern const struct global_texts globals_dangerous_modules, globals_dangerous_names, globals_dangerous_parts;
/* Names of modules, which as an attribute of another give the module itself. */
extern const struct global_texts globals_module_names;

/* As strcmp, of bytes with a size and a text. Inline: searches ask it often, and most texts differ early. */
static inline int global_text_compare(const char *bytes, size_t size, const char *text)
{
    size_t same = 0;

    while (same < size && text[same] != '\0' && bytes[same] == text[same])
        same++;
    if (same == size || text[same] == '\0')
        return (same < size) - (text[same] != '\0');
    return (uint8_t)bytes[same] < (uint8_t)text[same] ? -1 : 1;
}

/* Binary search; the meaning, or NULL. */
const char *global_text_find(const struct global_texts *texts, const char *text, size_t size);
/* Whether names (as struct global_module has them) contain a name. */
bool global_names_have(const char *names, const char *name, size_t size);

#endif
