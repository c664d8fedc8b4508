/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML and HTML: models in PMML and OpenVINO's format, and pages.
 *
 * A lexer of tags, attributes, texts and CDATA, as lenient as browsers are. What it says of a model: entities, which a
 * parser fetches or expands; scripts; texts and attributes that are code; layers that a library outside brings.
 */
#include "guest/scan/config.h"
#include "guest/scan/formats.h"
#include "guest/scan/metadata.h"
#include "guest/scan/reader.h"
#include "guest/scan/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define PIECE_MAX       8192u /* bytes of a text or value that are judged at once */
#define NAME_MAX_       64u   /* bytes of a name that are kept */
#define SNIFFED         256u
#define REFERENCES_MANY 3u  /* in one entity: each level multiplies */
#define DIGITS_MAX      13u /* of a place in a file, 10 TB */

enum { ENTITY, ENTITY_OUTSIDE, SCRIPT, PAGE, STYLESHEET, EXTENSION, EXPANSION, BOUNDS, RULE_COUNT };

static const struct scan_rule xml_rules[RULE_COUNT] = {
    [ENTITY] = {"xml-entity", SCAN_MEDIUM, "A parser that expands entities takes the time and memory they ask for."},
    [ENTITY_OUTSIDE] = {"xml-external-entity", SCAN_HIGH,
                        "A parser that resolves entities reads files or calls servers."},
    [SCRIPT] = {"xml-script", SCAN_HIGH, "Who opens the file in a browser or an engine runs the script."},
    [PAGE] = {"xml-page", SCAN_MEDIUM, "Who opens the page in a browser runs its scripts."},
    [STYLESHEET] = {"xml-stylesheet", SCAN_MEDIUM, "A processor fetches the stylesheet and runs what is in it."},
    [EXPANSION] = {"xml-expansion", SCAN_HIGH, "Entities of entities take a parser's memory and time."},
    [BOUNDS] = {"xml-bounds", SCAN_HIGH, "Weights at a place that no file has make a loader read other memory."},
    [EXTENSION] = {"xml-extension", SCAN_MEDIUM, "A layer of no known operator set: an extension has to be loaded."},
};

struct walk {
    struct scan *scan;
    const struct scan_object *object;
    struct reader reader;
    struct error cause;
    struct error *err;
    char element[NAME_MAX_], attribute[NAME_MAX_];
    char piece[PIECE_MAX];
    size_t size;
    bool page, told; /* HTML; that its scripts have been told */
};

static int find(struct walk *walk, unsigned rule, uint64_t offset, const char *detail)
{
    return scan_find(walk->scan, walk->object, &xml_rules[rule], offset, walk->err, "%s", TEXT(detail, strlen(detail)));
}

static int find_script(struct walk *walk, uint64_t offset, const char *detail)
{
    if (walk->page && walk->told)
        return 0;
    walk->told = true;
    return find(walk, walk->page ? PAGE : SCRIPT, offset, detail);
}

/* A text or a value. Code that a page shows or runs has been told as that. */
static int judge_piece(struct walk *walk, const char *key, uint64_t offset)
{
    if (walk->page || walk->size == 0)
        return 0;
    return config_entry(walk->scan, walk->object, key, strlen(key), walk->piece, walk->size, offset, walk->err);
}

/* --- the lexer ------------------------------------------------------------------------------------------ */

static int peek(struct walk *walk, uint8_t *ret_byte)
{
    int r = reader_fill(&walk->reader, 1);

    if (r == 0)
        *ret_byte = walk->reader.bytes[walk->reader.used];
    return r;
}

static bool next_is(struct walk *walk, const char *text)
{
    size_t size = strlen(text);

    return reader_fill(&walk->reader, size) == 0 &&
           strncasecmp((const char *)walk->reader.bytes + walk->reader.used, text, size) == 0;
}

static bool is_name(uint8_t c)
{
    return isalnum(c) || c == '_' || c == ':' || c == '-' || c == '.' || c >= 0x80;
}

static int take_name(struct walk *walk, char *name)
{
    size_t size = 0;
    uint8_t byte;
    int r;

    while ((r = peek(walk, &byte)) == 0 && is_name(byte)) {
        if (size + 1 < NAME_MAX_)
            name[size++] = (char)byte;
        walk->reader.used++;
    }
    name[size] = '\0';
    return r == -ENODATA ? 0 : r;
}

/* A text up to (not with) `end`: pieces of it are judged with the name before them. */
static int take_text(struct walk *walk, const char *key, const char *end, bool judge)
{
    uint64_t offset = reader_offset(&walk->reader);
    size_t end_size = strlen(end);
    int r = 0;

    walk->size = 0;
    while (!next_is(walk, end)) {
        uint8_t byte;

        r = reader_u8(&walk->reader, &byte);
        if (r < 0)
            break;
        walk->piece[walk->size++] = (char)byte;
        if (walk->size == PIECE_MAX) {
            r = judge ? judge_piece(walk, key, offset) : 0;
            if (r < 0)
                return r;
            offset += walk->size;
            walk->size = 0;
        }
    }
    if (r == 0)
        r = reader_skip(&walk->reader, end_size);
    if (judge) {
        int judged = judge_piece(walk, key, offset);

        if (judged < 0)
            return judged;
    }
    return r == -ENODATA ? 0 : r;
}

/* --- elements --------------------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

static int judge_element(struct walk *walk, uint64_t offset)
{
    const char *name = strrchr(walk->element, ':');

    name = name != NULL ? name + 1 : walk->element;
    if (strncasecmp(walk->element, "hta:", 4) == 0) /* no page: Windows runs it without a browser's bounds */
        return find(walk, SCRIPT, offset, walk->element);
    if (same(name, "script") || same(name, "foreignObject") || same(name, "handler"))
        return find_script(walk, offset, walk->element);
    return 0;
}

/* OpenVINO's layers name the set of operators they are of; anything else comes from a library that is loaded. */
static int judge_attribute(struct walk *walk, uint64_t offset)
{
    const char *value = walk->piece;

    if (strncasecmp(walk->attribute, "on", 2) == 0 && walk->attribute[2] != '\0' && walk->size > 2 &&
        memchr(value, '(', walk->size) != NULL)
        return find_script(walk, offset, walk->attribute);
    if (same(walk->element, "data") && (same(walk->attribute, "offset") || same(walk->attribute, "size")) &&
        (walk->size > DIGITS_MAX || (walk->size > 0 && value[0] == '-')))
        return find(walk, BOUNDS, offset, "a place of weights");
    if (same(walk->element, "layer") && same(walk->attribute, "version") &&
        (walk->size < 5 || memcmp(value, "opset", 5) != 0))
        return find(walk, EXTENSION, offset, "a layer of no operator set");
    return 0;
}

static int take_value(struct walk *walk)
{
    uint64_t offset = reader_offset(&walk->reader);
    uint8_t byte = 0;
    int r = peek(walk, &byte);

    if (r < 0)
        return r == -ENODATA ? 0 : r;
    if (byte == '"' || byte == '\'') {
        walk->reader.used++;
        r = take_text(walk, walk->attribute, byte == '"' ? "\"" : "'", true);
        return r < 0 ? r : judge_attribute(walk, offset);
    }
    walk->size = 0;
    while ((r = peek(walk, &byte)) == 0 && !isspace(byte) && byte != '>' && walk->size < PIECE_MAX) {
        walk->piece[walk->size++] = (char)byte;
        walk->reader.used++;
    }
    if (r < 0 && r != -ENODATA)
        return r;
    r = judge_piece(walk, walk->attribute, offset);
    return r < 0 ? r : judge_attribute(walk, offset);
}

/* Behind "<" and the element's name, up to its ">". */
static int take_attributes(struct walk *walk)
{
    uint8_t byte;
    int r;

    while ((r = peek(walk, &byte)) == 0) {
        if (byte == '>') {
            walk->reader.used++;
            return 0;
        }
        if (!is_name(byte)) {
            walk->reader.used++;
            continue;
        }
        r = take_name(walk, walk->attribute);
        while (r == 0 && (r = peek(walk, &byte)) == 0 && isspace(byte))
            walk->reader.used++;
        if (r == 0 && byte == '=') {
            walk->reader.used++;
            while ((r = peek(walk, &byte)) == 0 && isspace(byte))
                walk->reader.used++;
            if (r == 0)
                r = take_value(walk);
        }
        if (r < 0)
            return r == -ENODATA ? 0 : r;
    }
    return r == -ENODATA ? 0 : r;
}

/* Up to its ">" or to its own declarations. A public one is known by its name; a system's is fetched from a place. */
static int take_doctype(struct walk *walk, uint64_t offset)
{
    uint8_t byte;
    int r;

    walk->size = 0;
    while ((r = peek(walk, &byte)) == 0 && byte != '>' && byte != '[' && walk->size < PIECE_MAX) {
        walk->piece[walk->size++] = (char)byte;
        walk->reader.used++;
    }
    if (r < 0)
        return r == -ENODATA ? 0 : r;
    return memmem(walk->piece, walk->size, "SYSTEM", 6) != NULL && memmem(walk->piece, walk->size, "PUBLIC", 6) == NULL
               ? find(walk, ENTITY_OUTSIDE, offset, "a document type from outside")
               : 0;
}

/* Entities that the value of an entity names. */
static unsigned references(const struct walk *walk)
{
    unsigned count = 0;

    for (size_t i = 0; i + 1 < walk->size; i++)
        count += walk->piece[i] == '&' && walk->piece[i + 1] != '#';
    return count;
}

/* "<!": a comment, CDATA, or a declaration. */
static int take_declaration(struct walk *walk, uint64_t offset)
{
    int r;

    if (next_is(walk, "!--"))
        return take_text(walk, "", "-->", false);
    if (next_is(walk, "![CDATA[")) {
        r = reader_skip(&walk->reader, 8);
        return r < 0 ? r : take_text(walk, walk->element, "]]>", true);
    }
    if (next_is(walk, "!DOCTYPE"))
        return take_doctype(walk, offset);
    if (!next_is(walk, "!ENTITY"))
        return 0;
    r = take_text(walk, "", ">", false);
    if (r < 0)
        return r;
    if (memmem(walk->piece, walk->size, "SYSTEM", 6) != NULL || memmem(walk->piece, walk->size, "PUBLIC", 6) != NULL)
        return find(walk, ENTITY_OUTSIDE, offset, "an entity from outside");
    if (references(walk) >= REFERENCES_MANY)
        return find(walk, EXPANSION, offset, "an entity of many others");
    return find(walk, ENTITY, offset, "an entity");
}

static int take_markup(struct walk *walk)
{
    uint64_t offset = reader_offset(&walk->reader) - 1;
    uint8_t byte = 0;
    int r = peek(walk, &byte);

    if (r < 0)
        return r == -ENODATA ? 0 : r;
    if (byte == '!')
        return take_declaration(walk, offset);
    if (byte == '?') {
        if (next_is(walk, "?xml-stylesheet"))
            r = find(walk, STYLESHEET, offset, "a stylesheet");
        else if (next_is(walk, "?php") || next_is(walk, "?="))
            r = find_script(walk, offset, "PHP");
        return r < 0 ? r : take_text(walk, "", ">", false);
    }
    if (byte == '/')
        return take_text(walk, "", ">", false);
    r = take_name(walk, walk->element);
    if (r < 0 || walk->element[0] == '\0')
        return r;
    r = judge_element(walk, offset);
    return r < 0 ? r : take_attributes(walk);
}

/* --- the file ------------------------------------------------------------------------------------------- */

/* The declaration of XML, or the first element of a kind of file that is known. */
static enum scan_match match_xml(struct scan *scan, const struct scan_object *object)
{
    static const char *const starts[] = {"<?xml", "<!doctype", "<pmml", "<net ", "<html", "<svg", "<script", "<?php"};
    const uint8_t *bytes;
    size_t size, at = 0;

    if (scan_is_recognised(scan) || object->role != SCAN_ROLE_FILE ||
        source_view(object->source, 0, SNIFFED, &bytes, &size, NULL) < 0)
        return SCAN_MATCH_NO;
    if (size > SNIFFED)
        size = SNIFFED;
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        at = 3;
    while (at < size && isspace(bytes[at]))
        at++;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (size - at >= strlen(starts[i]) && strncasecmp((const char *)bytes + at, starts[i], strlen(starts[i])) == 0)
            return SCAN_MATCH_YES;
    return SCAN_MATCH_NO;
}

static int walk_xml(struct walk *walk)
{
    int r = 0;

    while (r == 0) {
        uint8_t byte;

        r = take_text(walk, walk->element, "<", true);
        if (r == 0)
            r = peek(walk, &byte) == 0 ? take_markup(walk) : 1;
    }
    return r;
}

static int scan_xml(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct walk walk = {.scan = scan, .object = object, .err = err};
    int r;

    (void)ret_recognised;
    walk.reader = reader_over(object->source, 0, &walk.cause);
    walk.page = next_is(&walk, "<!doctype html") || next_is(&walk, "<html");
    r = walk_xml(&walk);
    scan_looked(scan, reader_offset(&walk.reader));
    if (r < 0 && walk.cause.text[0] != '\0') {
        scan_skipped_for(scan, object, r, reader_offset(&walk.reader), &walk.cause);
        return 0;
    }
    return r < 0 ? r : 0;
}

const struct scan_format scan_format_xml = {
    .name = "xml", .rules = xml_rules, .rule_count = RULE_COUNT, .match = match_xml, .scan = scan_xml};
