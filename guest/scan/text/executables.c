/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs by their content: machine code, bytecode, and scripts that say what runs them.
 *
 * A model has no use for one. Formats: PE and COFF, ELF, Mach-O, Java's class files and DEX, WebAssembly, CPython's
 * bytecode, Lua's, LLVM's; Windows' shortcuts, registry files and compound documents; and the first lines of scripts.
 */
#include "guest/scan/formats.h"

#include "guest/scan/limits.h"
#include "guest/scan/text.h"
#include "guest/scan/text/code_text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define SNIFFED 512u

enum { BINARY, BYTECODE, SCRIPT, SOURCE, DOCUMENT, RULE_COUNT };

static const struct scan_rule executable_rules[RULE_COUNT] = {
    [BINARY] = {"executable-binary", SCAN_HIGH,
                "Machine code for whoever starts or loads it, where a model should be."},
    [BYTECODE] = {"executable-bytecode", SCAN_HIGH, "Code for an interpreter, where a model should be."},
    [SCRIPT] = {"executable-script", SCAN_HIGH, "A script that runs by its first line or its kind."},
    [SOURCE] = {"executable-source", SCAN_MEDIUM,
                "A script by its name as well: it does what it says for who runs it."},
    [DOCUMENT] = {"executable-document", SCAN_MEDIUM, "A document of a kind that may carry macros or scripts."},
};

struct magic {
    const char *bytes;
    uint8_t size;
    uint8_t rule;
    const char *what;
};

static const struct magic magics[] = {
    {"\x7f"
     "ELF",
     4, BINARY, "ELF"},
    {"\xfe\xed\xfa\xce", 4, BINARY, "Mach-O"},
    {"\xfe\xed\xfa\xcf", 4, BINARY, "Mach-O"},
    {"\xce\xfa\xed\xfe", 4, BINARY, "Mach-O"},
    {"\xcf\xfa\xed\xfe", 4, BINARY, "Mach-O"},
    {"\xca\xfe\xba\xbe", 4, BINARY, "Mach-O of several machines, or Java's class"},
    {"dex\n03", 6, BYTECODE, "Android's bytecode"},
    {"\0asm\x01\0\0\0", 8, BYTECODE, "WebAssembly"},
    {"\x1bLua", 4, BYTECODE, "Lua's bytecode"},
    {"\x1bLJ", 3, BYTECODE, "LuaJIT's bytecode"},
    {"BC\xc0\xde", 4, BYTECODE, "LLVM's bytecode"},
    {"!<arch>\n", 8, BINARY, "an archive of object files, or a package"},
    {"MSCF\0\0\0\0", 8, DOCUMENT, "a cabinet"},
    {"\xed\xab\xee\xdb", 4, BINARY, "a package"},
    {"L\0\0\0\x01\x14\x02\0", 8, SCRIPT, "a Windows shortcut"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, DOCUMENT, "a compound document"},
    {"{\\rtf", 5, DOCUMENT, "RTF"},
};

/* First words of text, in any case, behind blanks. */
static const struct magic words[] = {
    {"@echo off", 9, SCRIPT, "a batch file"},         {"windows registry editor", 23, SCRIPT, "a registry file"},
    {"regedit4", 8, SCRIPT, "a registry file"},       {"[internetshortcut]", 18, SCRIPT, "a shortcut"},
    {"[desktop entry]", 15, SCRIPT, "a starter"},     {"[autorun]", 9, SCRIPT, "an autorun file"},
    {"<job", 4, SCRIPT, "a Windows script"},          {"<hta:application", 16, SCRIPT, "a Windows application"},
    {"on error resume next", 20, SCRIPT, "VBScript"},
};

static uint32_t u32(const uint8_t *bytes, bool big)
{
    return big ? (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3]
               : (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

/* "MZ", and where it says a new header behind it; or DOS's own header with pages that fit. */
static bool is_pe(struct source *source, const uint8_t *bytes, size_t size)
{
    uint64_t whole;

    if (size < 28 || bytes[0] != 'M' || bytes[1] != 'Z')
        return false;
    if (size >= 64) {
        uint32_t at = u32(bytes + 60, false);

        if (source_has(source, at, "PE\0\0", 4) || source_has(source, at, "NE", 2) || source_has(source, at, "LE", 2))
            return true;
    }
    return bytes[3] < 2 && (bytes[4] | bytes[5]) != 0 && source_size(source, &whole, NULL) == 0 &&
           (uint64_t)(bytes[4] | bytes[5] << 8) * 512 <= whole + 512 &&
           (uint64_t)(bytes[8] | bytes[9] << 8) * 16 < whole;
}

/* CPython's: a number of its version, "\r\n", flags (PEP 552) or a time, and a code object marshalled. */
static bool is_pyc(const uint8_t *bytes, size_t size)
{
    unsigned version;

    if (size < 17 || bytes[2] != '\r' || bytes[3] != '\n')
        return false;
    version = bytes[0] | (unsigned)bytes[1] << 8;
    if ((version < 3000 || version > 4000) && (version < 62000 || version > 62300))
        return false;
    for (size_t i = 8; i <= 16; i += 4)
        if ((bytes[i] & 0x7f) == 'c')
            return true;
    return false;
}

/* A script's "#!" with a path behind it, so that a page that begins with "#!" is none. */
static bool is_shebang(const uint8_t *bytes, size_t size)
{
    size_t at = 2;

    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        bytes += 3, size -= 3;
    if (size < 4 || bytes[0] != '#' || bytes[1] != '!')
        return false;
    while (at < size && (bytes[at] == ' ' || bytes[at] == '\t'))
        at++;
    return at + 1 < size && (bytes[at] == '/' || bytes[at] == '.') && isgraph(bytes[at + 1]);
}

static const struct magic *find_magic(const struct scan_object *object, const uint8_t *bytes, size_t size)
{
    static const struct magic pe = {"", 0, BINARY, "a Windows or DOS program"};
    static const struct magic pyc = {"", 0, BYTECODE, "CPython's bytecode"};
    static const struct magic shebang = {"", 0, SCRIPT, "a script that says what runs it"};
    size_t blank = 0;

    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (size >= magics[i].size && memcmp(bytes, magics[i].bytes, magics[i].size) == 0)
            return &magics[i];
    if (is_pe(object->source, bytes, size))
        return &pe;
    if (is_pyc(bytes, size))
        return &pyc;
    if (is_shebang(bytes, size))
        return &shebang;
    while (blank < size && isspace(bytes[blank]))
        blank++;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (size - blank >= words[i].size &&
            strncasecmp((const char *)bytes + blank, words[i].bytes, words[i].size) == 0)
            return &words[i];
    return NULL;
}

static const struct magic *magic_of(const struct scan_object *object)
{
    const uint8_t *bytes;
    size_t size;

    if (object->role == SCAN_ROLE_WEIGHTS || object->role == SCAN_ROLE_PICKLE ||
        source_view(object->source, 0, SNIFFED, &bytes, &size, NULL) < 0)
        return NULL;
    return find_magic(object, bytes, size < SNIFFED ? size : SNIFFED);
}

static enum scan_match match_executable(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return magic_of(object) != NULL ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

/* Whether a script says by its name that it is one: a model's folder may hold the script that trained it. */
static bool is_named_script(const char *name)
{
    static const char *const endings[] = {".sh", ".bash", ".zsh", ".py", ".pl", ".rb", ".R", ".lua", ".js"};
    size_t size = strlen(name);

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t ending = strlen(endings[i]);

        if (size > ending && strcasecmp(name + size - ending, endings[i]) == 0)
            return true;
    }
    return false;
}

/* Whether what follows the first line, in the first 64 KiB, runs downloads, reaches out, or unpickles. */
static bool acts(const struct scan_object *object)
{
    const uint8_t *bytes, *rest;
    const char *what;
    size_t size, at;

    if (source_view(object->source, 0, SCAN_VIEW_MAX, &bytes, &size, NULL) < 0)
        return true;
    size = size < SCAN_VIEW_MAX ? size : SCAN_VIEW_MAX;
    rest = memchr(bytes, '\n', size);
    return rest != NULL && code_text_judge(rest, size - (size_t)(rest - bytes), &at, &what) == CODE_TEXT_EXECUTES;
}

static int scan_executable(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    const struct magic *magic = magic_of(object);
    unsigned rule;
    uint64_t size;

    (void)ret_recognised;
    if (magic == NULL)
        return 0;
    rule = magic->rule == SCRIPT && is_named_script(object->name) && !acts(object) ? SOURCE : magic->rule;
    if (source_size(object->source, &size, NULL) == 0)
        scan_looked(scan, size < SNIFFED ? size : SNIFFED);
    return scan_find(scan, object, &executable_rules[rule], 0, err, "%s", magic->what);
}

const struct scan_format scan_format_executable = {.name = "executable",
                                                   .rules = executable_rules,
                                                   .rule_count = RULE_COUNT,
                                                   .match = match_executable,
                                                   .scan = scan_executable};
