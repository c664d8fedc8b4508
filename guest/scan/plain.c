/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left over: empty files, program source, and text that nothing executes.
 *
 * Source is known by its statements at the beginning of lines, outside of a page's fences: a page of text that shows
 * some is none. Python's is what transformers and others import with a model; other languages' are told by what they
 * do. Text in UTF-16 is text too.
 */
#include "guest/scan/formats.h"

#include "guest/scan/code_source.h"
#include "guest/scan/code_text.h"
#include "guest/scan/config.h"
#include "guest/scan/embedded.h"
#include "guest/scan/reader.h"
#include "guest/scan/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define SNIFFED        512u
#define OPCODES_BEFORE 8u     /* bytes before GLOBAL in its line */
#define ENCODED_MIN    40u    /* bytes of an encoded file */
#define STRAY_SHARE    20u    /* one byte of so many may be of an old character set */
#define CODE_LOOKED    65536u /* bytes in which statements are counted */

enum { ACTS, SOURCE, GLOBALS, RULE_COUNT };

static const struct scan_rule plain_rules[RULE_COUNT] = {
    [ACTS] = {"code-acts", SCAN_HIGH, "Who imports or runs the source runs commands, reaches out or unpickles."},
    [GLOBALS] = {"text-pickle-global", SCAN_HIGH,
                 "Lines as in a pickle of protocol 0 name a function that runs code; a lenient loader may call it."},
    [SOURCE] = {"code-source", SCAN_MEDIUM, "Source that a loader which trusts the model's own code imports."},
};

/* --- text ------------------------------------------------------------------------------------------------- */

/* Printable ASCII, the usual blanks, and the bytes of UTF-8 beyond; a NUL or another control character is no text. */
static bool is_text_byte(uint8_t byte)
{
    return byte >= ' ' ? byte != 0x7f : byte == '\n' || byte == '\r' || byte == '\t' || byte == '\f';
}

/* A byte-order mark of UTF-16, and every other byte of what follows is text. */
static bool is_utf16(const uint8_t *bytes, size_t size)
{
    size_t text = 0;
    bool little = size >= 4 && bytes[0] == 0xff && bytes[1] == 0xfe;

    if (!little && !(size >= 4 && bytes[0] == 0xfe && bytes[1] == 0xff))
        return false;
    for (size_t i = 2; i + 1 < size; i += 2)
        text += bytes[i + little] == 0 && is_text_byte(bytes[i + !little]);
    return text * 2 > (size - 2) / 2;
}

static enum scan_match match_plain(struct scan *scan, const struct scan_object *object)
{
    const uint8_t *bytes;
    size_t size;

    if (scan_is_recognised(scan) || object->role == SCAN_ROLE_PICKLE || object->role == SCAN_ROLE_WEIGHTS)
        return SCAN_MATCH_NO;
    if (source_view(object->source, 0, SNIFFED, &bytes, &size, NULL) < 0)
        return SCAN_MATCH_NO;
    if (size > SNIFFED)
        size = SNIFFED;
    if (is_utf16(bytes, size))
        return SCAN_MATCH_MAYBE;
    for (size_t i = 0; i < size; i++)
        if (!is_text_byte(bytes[i]))
            return SCAN_MATCH_NO;
    return SCAN_MATCH_MAYBE;
}

/* --- pieces of pickles ------------------------------------------------------------------------------------- */

/* A name as Python's are; of a module, such with dots between them. */
static bool is_name(const char *text, size_t size, bool module)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_' && !(module && text[i] == '.' && i > 0 && i + 1 < size))
            return false;
    return size > 0 && !isdigit((unsigned char)text[0]);
}

/* Where a module's name begins in a line that ends as GLOBAL's or INST's first one does; the line's end for none. */
static size_t module_in(const struct code_line *line)
{
    for (size_t i = 0; i + 1 < line->size && i < OPCODES_BEFORE; i++)
        if ((line->text[i] == 'c' || line->text[i] == 'i') && is_name(line->text + i + 1, line->size - i - 1, true))
            return i + 1;
    return line->size;
}

/* Two lines, "c" + module and name, of a global that is an attack; what no pickle's machine reads to its end is text.
 */
static int judge_globals(struct scan *scan, const struct scan_object *object, const uint8_t *bytes, size_t size,
                         bool *ret_found, struct error *err)
{
    const char *text = (const char *)bytes;
    struct code_line line, before = {.size = 0};

    if (memmem(bytes, size, "R.", 2) == NULL && memmem(bytes, size, "tR", 2) == NULL &&
        memchr(bytes, 'i', size) == NULL)
        return 0;
    while (code_line_next(&text, &size, &line)) {
        size_t module = before.size > 0 ? module_in(&before) : 0;

        if (module < before.size && is_name(line.text, line.size, false) &&
            config_judge_pair(before.text + module, before.size - module, line.text, line.size) ==
                CONFIG_CALLEE_DANGEROUS) {
            *ret_found = true;
            return scan_find(scan, object, &plain_rules[GLOBALS], (uint64_t)(before.text - (const char *)bytes), err,
                             "%s %s", TEXT(before.text + module, before.size - module), TEXT(line.text, line.size));
        }
        before = line;
    }
    return 0;
}

static int judge_source(struct scan *scan, const struct scan_object *object, uint64_t size, struct error *err)
{
    enum code_text judged = CODE_TEXT_NONE;
    struct error cause = {0};
    const char *what = "";
    uint64_t at = 0;
    int r = code_text_judge_source(object->source, 0, size, &judged, &at, &what, &cause);

    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, &cause);
        return 0;
    }
    scan_looked(scan, size);
    if (judged == CODE_TEXT_EXECUTES)
        return scan_find(scan, object, &plain_rules[ACTS], at, err, "%s", what);
    return scan_find(scan, object, &plain_rules[SOURCE], 0, err, "%s", "program source");
}

/* --- encoded files ---------------------------------------------------------------------------------------- */

/* One word, or words of one length one a line, of the digits of base64 or hex: no text for people. */
static bool is_encoded(const uint8_t *bytes, size_t size)
{
    size_t width = 0, at = 0;

    while (size > 0 && isspace(bytes[size - 1]))
        size--;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r') {
            if (at > 0 && width == 0)
                width = at;
            if (at > 0 && at != width)
                return false;
            at = 0;
        } else if (isalnum(bytes[i]) || memchr("+/=-_", bytes[i], 5) != NULL) {
            at++;
        } else {
            return false;
        }
    }
    return size >= ENCODED_MIN && (width == 0 || width >= ENCODED_MIN / 2);
}

/* Looked at as what it says when it is decoded; the bytes of a view live on while other sources are looked at. */
static int judge_encoded(struct scan *scan, const struct scan_object *object, const uint8_t *bytes, size_t got,
                         uint64_t size, struct error *err)
{
    enum code_text judged;
    const char *what = "";
    size_t at;
    int r;

    scan_looked(scan, got);
    if (size > got)
        scan_skipped(scan, object, SCAN_GAP_UNSUPPORTED, got, size - got, "%s", "the rest of an encoded file");
    judged = code_text_judge(bytes, got, &at, &what);
    if (judged == CODE_TEXT_EXECUTES) {
        r = scan_find(scan, object, &plain_rules[ACTS], at, err, "%s", what);
        if (r < 0)
            return r;
    }
    return scan_embedded(scan, object, "encoded", bytes, got, 0, err);
}

/* --- the file ------------------------------------------------------------------------------------------------ */

static int scan_text(struct scan *scan, const struct scan_object *object, uint64_t size, struct error *err)
{
    struct error cause = {0};
    const uint8_t *bytes;
    size_t got;
    bool found = false;
    int r = source_view(object->source, 0, size < CODE_LOOKED ? (size_t)size : CODE_LOOKED, &bytes, &got, &cause);

    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, &cause);
        return 0;
    }
    if (object->role == SCAN_ROLE_FILE && code_source_is(bytes, got < CODE_LOOKED ? got : CODE_LOOKED))
        return judge_source(scan, object, size, err);
    if (object->role == SCAN_ROLE_FILE && is_encoded(bytes, got < CODE_LOOKED ? got : CODE_LOOKED))
        return judge_encoded(scan, object, bytes, got < CODE_LOOKED ? got : CODE_LOOKED, size, err);
    r = judge_globals(scan, object, bytes, got < CODE_LOOKED ? got : CODE_LOOKED, &found, err);
    if (r == 0 && !found)
        scan_skipped(scan, object, SCAN_SKIP_TEXT, 0, size, "%s", "");
    return r;
}

/* Bytes beyond ASCII: how many more of a character of UTF-8 are to come, and how many are of none. */
struct utf8 {
    unsigned expected;
    uint64_t stray;
};

static void see_byte(struct utf8 *utf8, uint8_t byte)
{
    if ((byte & 0xc0) == 0x80) {
        if (utf8->expected > 0)
            utf8->expected--;
        else
            utf8->stray++;
        return;
    }
    utf8->stray += utf8->expected > 0;
    utf8->expected = byte < 0xc2 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : byte < 0xf5 ? 3 : 0;
    utf8->stray += byte == 0xc0 || byte == 0xc1 || byte >= 0xf5;
}

static int scan_plain(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct error cause = {0};
    struct reader reader = reader_over(object->source, 0, &cause);
    bool wide = source_has(object->source, 0, "\xff\xfe", 2) || source_has(object->source, 0, "\xfe\xff", 2);
    struct utf8 utf8 = {0};
    uint8_t byte;
    int r;

    while ((r = reader_u8(&reader, &byte)) == 0) {
        if (!is_text_byte(byte) && !(wide && byte == 0))
            return 0; /* binary after all: nobody's */
        see_byte(&utf8, byte);
    }
    if (!wide && utf8.stray * STRAY_SHARE > reader_offset(&reader))
        return 0;
    *ret_recognised = true;
    if (r != -ENODATA) {
        scan_skipped_for(scan, object, r, reader_offset(&reader), &cause);
        return 0;
    }
    return scan_text(scan, object, reader_offset(&reader), err);
}

const struct scan_format scan_format_plain = {
    .name = "text", .rules = plain_rules, .rule_count = RULE_COUNT, .match = match_plain, .scan = scan_plain};
