/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TorchScript's code: the members code/…py of an archive, which torch.jit.load compiles and forward() runs.
 *
 * The language is a part of Python's, as torch's printer writes it: operators stand as torch.name or
 * ops.namespace.name, classes in C++ as __torch__.torch.classes.namespace.name, and nothing but other members of the
 * archive is imported. Names are looked at outside of strings and comments.
 */
#include "guest/scan/formats.h"
#include "guest/scan/reader.h"
#include "guest/scan/text.h"
#include "guest/scan/torch_zip.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define NAME_SIZE 256u /* bytes of a dotted name that are kept */

enum { RULE_FILE_OPERATOR, RULE_CUSTOM_OPERATOR, RULE_IMPORT, RULE_COUNT };

static const struct scan_rule rules[RULE_COUNT] = {
    [RULE_FILE_OPERATOR] = {"torchscript-file-operator", SCAN_HIGH,
                            "TorchScript's code reads or writes files when the model is run."},
    [RULE_CUSTOM_OPERATOR] = {"torchscript-custom-operator", SCAN_MEDIUM,
                              "TorchScript's code calls an operator or a class that torch itself does not have."},
    [RULE_IMPORT] = {"torchscript-import", SCAN_HIGH,
                     "Code of an archive imports Python's modules, which no code that torch writes does."},
};

struct walk {
    struct scan *scan;
    const struct scan_object *object;
    struct reader reader;
    char name[NAME_SIZE];
    bool importing; /* the name before was "import" or "from" at the beginning of a line */
    bool typed;     /* names that only TorchScript has were seen */
    bool foreign;   /* ... and names of Python that it does not have */
};

/* Parts of an operator's name, divided by underscores, that say that it reaches files or beyond. */
static bool reaches_out(const char *name)
{
    static const char *const words[] = {"save", "load",   "file",   "read",     "write", "open",
                                        "exec", "system", "socket", "download", "popen", "spawn"};

    while (*name != '\0') {
        size_t size = strcspn(name, "_.");

        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (strlen(words[i]) == size && strncmp(name, words[i], size) == 0)
                return true;
        name += size + (name[size] != '\0' ? 1 : 0);
    }
    return false;
}

/* What follows a prefix of a name, or NULL. */
static const char *after(const char *name, const char *prefix)
{
    size_t size = strlen(prefix);

    return strncmp(name, prefix, size) == 0 ? name + size : NULL;
}

/* Whether a name, or the part before its first dot, is one of these. */
static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    size_t size = strcspn(name, ".");

    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == size && strncmp(name, names[i], size) == 0)
            return true;
    return false;
}

/* Namespaces of operators and classes that come with torch and its own companions, none of which reach files. */
static bool is_known(const char *name)
{
    static const char *const namespaces[] = {
        "aten",           "prim",           "prims",   "quantized", "_quantized", "torch",
        "prepacked",      "torchvision",    "xnnpack", "sparse",    "mkldnn",     "onednn",
        "static_runtime", "profiler",       "rnn",     "nnapi",     "_nnapi",     "quantized_decomposed",
        "inductor",       "c10d_functional"};
    return is_one_of(name, namespaces, sizeof namespaces / sizeof namespaces[0]);
}

/* Notes what tells TorchScript from Python, whose source others judge. */
static void note_language(struct walk *walk)
{
    static const char *const typed[] = {"__torch__", "__parameters__", "Tensor"};
    static const char *const foreign[] = {"import",       "os",      "sys",      "subprocess", "eval",      "exec",
                                          "open",         "globals", "builtins", "__import__", "importlib", "socket",
                                          "__builtins__", "pickle",  "shutil",   "ctypes",     "pty",       "urllib"};

    walk->typed |= is_one_of(walk->name, typed, sizeof typed / sizeof typed[0]);
    walk->foreign |= is_one_of(walk->name, foreign, sizeof foreign / sizeof foreign[0]);
}

static int find(struct walk *walk, unsigned rule, struct error *err)
{
    return scan_find(walk->scan, walk->object, &rules[rule], reader_offset(&walk->reader) - strlen(walk->name), err,
                     "%s", TEXT(walk->name, strlen(walk->name)));
}

static int judge_name(struct walk *walk, bool line_start, struct error *err)
{
    static const char *const operators[] = {"torch.ops.", "ops.", "__torch__.torch.classes.", "torch.classes."};
    const char *rest;

    if (walk->importing) {
        walk->importing = false;
        if (after(walk->name, "__torch__") == NULL && strcmp(walk->name, "torch") != 0)
            return find(walk, RULE_IMPORT, err);
        return 0;
    }
    if (line_start && (strcmp(walk->name, "import") == 0 || strcmp(walk->name, "from") == 0)) {
        walk->importing = true;
        return 0;
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        rest = after(walk->name, operators[i]);
        if (rest == NULL)
            continue;
        if (reaches_out(rest))
            return find(walk, RULE_FILE_OPERATOR, err);
        return is_known(rest) ? 0 : find(walk, RULE_CUSTOM_OPERATOR, err);
    }
    rest = after(walk->name, "torch.");
    return rest != NULL && reaches_out(rest) ? find(walk, RULE_FILE_OPERATOR, err) : 0;
}

static bool is_name_byte(uint8_t byte)
{
    return isalnum(byte) || byte == '_' || byte == '.';
}

/* The name that begins with `byte`; leaves the reader at the byte behind it. */
static int read_name(struct walk *walk, uint8_t byte)
{
    size_t size = 0;
    int r = 0;

    while (r == 0 && is_name_byte(byte)) {
        if (size < NAME_SIZE - 1)
            walk->name[size++] = (char)byte;
        r = reader_u8(&walk->reader, &byte);
    }
    walk->name[size] = '\0';
    if (r == 0)
        walk->reader.used--; /* the byte was read from the view at hand */
    return r;
}

/* Past a string that `quote` opened, or a comment up to its line's end. */
static int skip_until(struct reader *reader, uint8_t quote)
{
    uint8_t byte = 0;
    int r;

    while ((r = reader_u8(reader, &byte)) == 0 && byte != quote && byte != '\n')
        if (byte == '\\' && quote != '\n')
            r = reader_u8(reader, &byte);
    return r;
}

/* By the member's place in the archive, as torch does it: code/ holds what it compiles. */
static enum scan_match match_code(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return object->parent != NULL && torch_zip_is_code(object->name) ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

static int scan_code(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct walk walk = {.scan = scan, .object = object, .reader = reader_over(object->source, 0, NULL)};
    bool line_start = true;
    uint8_t byte;
    while (reader_u8(&walk.reader, &byte) == 0) {
        int r = 0;

        if (is_name_byte(byte)) {
            int ended = read_name(&walk, byte);

            note_language(&walk);
            r = judge_name(&walk, line_start, err);
            line_start = false;
            if (r < 0)
                return r;
            if (ended < 0)
                break;
        } else if (byte == '#' || byte == '"' || byte == '\'') {
            if (skip_until(&walk.reader, byte == '#' ? '\n' : byte) < 0)
                break;
            line_start = byte == '#';
        } else if (byte == '\n') {
            line_start = true;
            walk.importing = false;
        } else if (!isspace(byte)) {
            line_start = byte == ';';
        }
    }
    *ret_recognised = walk.typed && !walk.foreign;
    if (*ret_recognised)
        scan_looked(scan, reader_offset(&walk.reader));
    return 0;
}

const struct scan_format scan_format_torchscript = {
    .name = "torchscript", .rules = rules, .rule_count = RULE_COUNT, .match = match_code, .scan = scan_code};
