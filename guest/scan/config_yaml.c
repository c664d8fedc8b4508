/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations in YAML, and in the files of keys and values that look like it (INI, TOML, properties).
 *
 * They are read line by line: a key, a separator, a value; a line without one is a value of the key before it. That is
 * no parser of YAML, and need not be: tags name what they name wherever they stand, and a loader that builds objects
 * finds them by the same characters. Tags are PyYAML's (!!python/object/apply:), their long form, HyperPyYAML's (!new:,
 * !name:, !apply:) and those of other languages' loaders.
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

#define LINE_MAX_       4096u /* bytes of a line that are judged at once; a longer one goes on in the next piece */
#define KEY_MAX_        128u  /* bytes of a key */
#define SNIFFED         4096u /* where a file's first key stands */
#define TARGET_MAX      256u  /* bytes of a tag's name */
#define SHOWN           100u
#define ALIASES_MANY    5u /* of an anchor's line */
#define MULTIPLIED_MANY 3u /* such lines */

struct walk {
    struct scan *scan;
    const struct scan_object *object;
    char key[KEY_MAX_]; /* the last one seen */
    size_t key_size;
    bool front, behind, page; /* see note_page */
    unsigned multiplied;      /* anchors of many aliases */
};

/* --- tags ---------------------------------------------------------------------------------------------------- */

enum tag_kind {
    TAG_CALL,   /* calls what it names */
    TAG_NAME,   /* gives what it names */
    TAG_OBJECT, /* makes an object without a call of its class */
    TAG_RUN,    /* runs code whatever it names */
};

static const struct tag {
    const char *text;
    enum tag_kind kind;
} tags[] = {
    {"python/object/apply:", TAG_CALL},
    {"python/object/new:", TAG_CALL},
    {"python/object:", TAG_OBJECT},
    {"python/name:", TAG_NAME},
    {"python/module:", TAG_RUN},
    {"!apply:", TAG_CALL},
    {"!new:", TAG_CALL},
    {"!name:", TAG_NAME},
    {"!module:", TAG_NAME},
    {"!!javax.", TAG_RUN},
    {"!!java.", TAG_RUN},
    {"!!com.sun.", TAG_RUN},
    {"!!org.springframework.", TAG_RUN},
    {"!ruby/object", TAG_RUN},
    {"!!js/function", TAG_RUN},
    {"!!perl/", TAG_RUN},
    {"!!php/object", TAG_RUN},
    {"2002:python/", TAG_RUN},
};

static size_t target_at(const char *text, size_t size)
{
    size_t end = 0;

    while (end < size && end < TARGET_MAX &&
           (isalnum((unsigned char)text[end]) || text[end] == '.' || text[end] == '_'))
        end++;
    return end;
}

static int judge_tag(struct walk *walk, const struct tag *tag, const char *target, size_t size, uint64_t offset,
                     struct error *err)
{
    enum config_callee callee = size > 0 ? config_judge_path(target, size) : CONFIG_CALLEE_UNKNOWN;
    enum config_rule rule = CONFIG_YAML_UNKNOWN;

    if (size > 0 && memchr(target, '.', size) == NULL) /* a name without a module is one of the builtins */
        callee = config_judge_pair("builtins", 8, target, size);
    if (tag->kind == TAG_RUN || callee == CONFIG_CALLEE_DANGEROUS ||
        (tag->kind == TAG_CALL && callee == CONFIG_CALLEE_UNKNOWN && tag->text[0] == 'p'))
        rule = CONFIG_YAML_OBJECT;
    else if (callee == CONFIG_CALLEE_FINE || (callee == CONFIG_CALLEE_UNKNOWN_CLASS && tag->text[0] == '!'))
        return 0;
    return scan_find(walk->scan, walk->object, &config_rules[rule], offset, err, "%s%s", tag->text,
                     TEXT(target, size < SHOWN ? size : SHOWN));
}

/* PyYAML takes "%3A" and the like in tags for what they stand for. */
static size_t unescape_tag(const char *text, size_t size, char *ret_text)
{
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] == '%' && i + 2 < size && isxdigit((unsigned char)text[i + 1]) &&
            isxdigit((unsigned char)text[i + 2])) {
            char digits[3] = {text[i + 1], text[i + 2], '\0'};
            unsigned value = 0;

            for (unsigned k = 0; k < 2; k++)
                value = value * 16 +
                        (unsigned)(isdigit((unsigned char)digits[k]) ? digits[k] - '0' : (digits[k] | 0x20) - 'a' + 10);
            ret_text[used++] = (char)value;
            i += 2;
        } else {
            ret_text[used++] = text[i];
        }
    }
    return used;
}

static int judge_tags(struct walk *walk, const char *line, size_t size, uint64_t offset, struct error *err)
{
    char plain[LINE_MAX_];
    size_t length;

    if (memchr(line, '!', size) == NULL && memmem(line, size, "yaml.org,2002:python", 20) == NULL)
        return 0;
    length = unescape_tag(line, size, plain);
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        size_t tag_size = strlen(tags[i].text);
        const char *at = memmem(plain, length, tags[i].text, tag_size);
        const char *end = plain + length;
        int r;

        if (at == NULL || (tags[i].kind == TAG_RUN && tags[i].text[0] == '2' && line[0] != '%'))
            continue; /* the long form counts by the tag in it, or where %TAG makes it a short one */
        r = judge_tag(walk, &tags[i], at + tag_size, target_at(at + tag_size, (size_t)(end - at) - tag_size), offset,
                      err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The length of the key that a line begins with, and where its value begins; 0 for none. */
static size_t key_of(const char *line, size_t size, size_t *ret_first, size_t *ret_value)
{
    size_t first = 0, end;
    char quote = '\0';

    while (first < size &&
           (is_blank(line[first]) || (line[first] == '-' && first + 1 < size && line[first + 1] == ' ')))
        first++;
    if (first < size && (line[first] == '"' || line[first] == '\''))
        quote = line[first++];
    for (end = first; end < size && end - first < KEY_MAX_; end++)
        if (!isalnum((unsigned char)line[end]) && memchr("_-./()", line[end], 6) == NULL)
            break;
    *ret_first = first;
    *ret_value = end;
    if (quote != '\0') {
        if (*ret_value >= size || line[*ret_value] != quote)
            return 0;
        (*ret_value)++;
    }
    while (*ret_value < size && is_blank(line[*ret_value]))
        (*ret_value)++;
    if (*ret_value >= size || (line[*ret_value] != ':' && line[*ret_value] != '=') || end == first)
        return 0;
    if (line[*ret_value] == ':' && *ret_value + 1 < size && !is_blank(line[*ret_value + 1]))
        return 0; /* "http://" */
    (*ret_value)++;
    return end - first;
}

/* The value as it is meant: without blanks, quotes, a comment; escapes are left to who judges it. */
static void trim(const char **text, size_t *size)
{
    while (*size > 0 && is_blank((*text)[0]))
        (*text)++, (*size)--;
    while (*size > 0 && (is_blank((*text)[*size - 1]) || (*text)[*size - 1] == '\n'))
        (*size)--;
    if (*size > 1 && ((*text)[0] == '"' || (*text)[0] == '\'')) {
        const char *end = memchr(*text + 1, (*text)[0], *size - 1);

        if (end != NULL && (end == *text + *size - 1 || memchr(end, '#', *size - (size_t)(end - *text)) != NULL)) {
            *size = (size_t)(end - *text) - 1;
            (*text)++;
        }
    } else {
        const char *comment = memmem(*text, *size, " #", 2);

        if (comment != NULL)
            *size = (size_t)(comment - *text);
    }
}

/* A line that makes an anchor of many aliases; some of them, one of the other, multiply. */
static int judge_aliases(struct walk *walk, const char *line, size_t size, uint64_t offset, struct error *err)
{
    unsigned anchors = 0, aliases = 0;

    for (size_t i = 0; i + 1 < size; i++) {
        bool begins = i == 0 || is_blank(line[i - 1]) || line[i - 1] == '[' || line[i - 1] == ',';

        anchors += begins && line[i] == '&' && isalnum((unsigned char)line[i + 1]);
        aliases += begins && line[i] == '*' && isalnum((unsigned char)line[i + 1]);
    }
    if (anchors == 0 || aliases < ALIASES_MANY || ++walk->multiplied != MULTIPLIED_MANY)
        return 0;
    return scan_find(walk->scan, walk->object, &config_rules[CONFIG_YAML_EXPANSION], offset, err, "%s",
                     "anchors of many aliases, one of the other");
}

static int judge_line(struct walk *walk, const char *line, size_t size, uint64_t offset, struct error *err)
{
    size_t first, value, key_size;
    const char *text;
    int r;

    key_size = key_of(line, size, &first, &value);
    text = line;
    if (key_size == 0 && size > 0 && !is_blank(line[0]) && line[0] != '-' && line[0] != '"' && line[0] != '\'')
        return judge_tags(walk, line, size, offset, err); /* no value: those are indented */
    if (key_size > 0) {
        memcpy(walk->key, line + first, key_size);
        walk->key_size = key_size;
        text = line + value;
        size -= value;
    }
    r = judge_tags(walk, text, size, offset, err);
    if (r == 0)
        r = judge_aliases(walk, text, size, offset, err);
    if (r < 0)
        return r;
    trim(&text, &size);
    if (size > 0 && text[0] == '!') { /* a tag is no part of the value */
        while (size > 0 && !is_blank(text[0]))
            text++, size--;
        trim(&text, &size);
    }
    if (size == 0 || text[0] == '#')
        return 0;
    return config_entry(walk->scan, walk->object, walk->key, walk->key_size, text, size, offset, err);
}

/* --- the file -------------------------------------------------------------------------------------------- */

static bool starts_document(const char *line, size_t size)
{
    return size >= 3 && memcmp(line, "---", 3) == 0 && (size == 3 || is_blank(line[3]));
}

static bool is_text(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] == 0x7f || (bytes[i] < ' ' && memchr("\n\r\t\f", bytes[i], 4) == NULL))
            return false;
    return true;
}

/* A key, a directive or a tag is the first thing that is no comment. */
static bool looks_like(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        const char *line = text + at, *end = memchr(line, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - line) : size - at, first, value;

        at += length + 1;
        while (length > 0 && is_blank(line[0]))
            line++, length--;
        if (length == 0 || line[0] == '#' || line[0] == ';')
            continue;
        return starts_document(line, length) || line[0] == '%' || line[0] == '!' || line[0] == '[' ||
               (length > 2 && line[0] == '-' && line[1] == ' ') || key_of(line, length, &first, &value) > 0;
    }
    return false;
}

static enum scan_match match_yaml(struct scan *scan, const struct scan_object *object)
{
    const uint8_t *bytes;
    size_t size;

    if (scan_is_recognised(scan) || object->role != SCAN_ROLE_FILE ||
        source_view(object->source, 0, SNIFFED, &bytes, &size, NULL) < 0)
        return SCAN_MATCH_NO;
    if (size > SNIFFED)
        size = SNIFFED;
    return is_text(bytes, size) && looks_like((const char *)bytes, size) ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

/* Reads a line, or the piece of one that fits; false at the end. Bytes that are no text end the walk too. */
static bool next_line(struct reader *reader, char *line, size_t *ret_size, int *ret_code)
{
    size_t size = 0;
    uint8_t byte;

    while (size < LINE_MAX_) {
        *ret_code = reader_u8(reader, &byte);
        if (*ret_code < 0)
            break;
        if (byte == '\n')
            break;
        if (!is_text(&byte, 1)) {
            *ret_code = -EBADMSG;
            return false;
        }
        line[size++] = (char)byte;
    }
    *ret_size = size;
    return size > 0 || *ret_code == 0;
}

/*
 * What is a page of text by its marks, a fence of code or what follows YAML between two "---", has tags judged only:
 * code in it is shown, and not an entry's value.
 */
static void note_page(struct walk *walk, const char *line, size_t size, uint64_t number)
{
    size_t first, value;

    if (number == 0)
        walk->front = starts_document(line, size);
    else if (walk->front && starts_document(line, size))
        walk->behind = true;
    else if (walk->behind && size > 0 && (line[0] == '#' || key_of(line, size, &first, &value) == 0))
        walk->page = true;
    if (size >= 3 && memcmp(line, "```", 3) == 0)
        walk->page = true;
    if (size > 0)
        walk->behind = walk->behind && starts_document(line, size);
}

static int scan_yaml(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct walk walk = {.scan = scan, .object = object};
    struct error cause = {0};
    struct reader reader = reader_over(object->source, 0, &cause);
    char line[LINE_MAX_];
    size_t size = 0;
    uint64_t offset = 0;
    int code = 0;

    (void)ret_recognised; /* nothing here is more than text: the format of that says what it is */
    for (uint64_t number = 0; next_line(&reader, line, &size, &code); number++) {
        int r;

        note_page(&walk, line, size, number);
        r = walk.page ? judge_tags(&walk, line, size, offset, err) : judge_line(&walk, line, size, offset, err);
        if (r < 0)
            return r;
        offset = reader_offset(&reader);
    }
    if (code < 0 && code != -ENODATA && code != -EBADMSG)
        scan_skipped_for(scan, object, code, reader_offset(&reader), &cause);
    scan_looked(scan, offset);
    return 0;
}

const struct scan_format scan_format_yaml = {
    .name = "yaml", .rules = metadata_rules, .rule_count = METADATA_RULES, .match = match_yaml, .scan = scan_yaml};
