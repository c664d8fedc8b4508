/* SPDX-License-Identifier: Apache-2.0 */
/* Judging the texts that models carry along. */
#include "guest/scan/metadata.h"

#include "guest/scan/code_source.h"
#include "guest/scan/code_text.h"
#include "guest/scan/embedded.h"
#include "guest/scan/jinja.h"
#include "guest/scan/template.h"
#include "guest/scan/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define DOCUMENT_MIN   400u /* bytes of a text that may be a document ... */
#define DOCUMENT_LINES 4u   /* ... and its lines */
#define SHOWN          100u /* bytes of a text that a finding shows */
#define WORD_MAX       20u  /* bytes of a word that can't be encoded text */
#define TEXT_MIN       4u   /* shorter texts say nothing */

enum { CODE, DOCUMENT, MENTION, CALLBACK, LINK };

const struct scan_rule metadata_rules[METADATA_RULES] = {
    [CODE] = {"metadata-code", SCAN_HIGH, "A text that is carried along is code or commands, for whoever runs it."},
    [DOCUMENT] = {"metadata-document", SCAN_MEDIUM, "A document that is carried along shows code that acts."},
    [MENTION] = {"metadata-mention", SCAN_MEDIUM,
                 "A text that is carried along names what code needs to act, or is written to hide something."},
    [CALLBACK] = {"metadata-callback", SCAN_HIGH, "A tool that follows the entry reports to a server elsewhere."},
    [LINK] = {"metadata-link", SCAN_MEDIUM, "A tool that follows the entry fetches something from a server elsewhere."},
};

/* Whether `word` (lower case) stands in a key as a word or the beginning of one: "post_url", "postUrl", "url". */
static bool has_word(const char *key, size_t size, const char *word)
{
    size_t length = strlen(word);

    for (size_t i = 0; i + length <= size; i++) {
        bool begins = i == 0 || !isalpha((unsigned char)key[i - 1]) ||
                      (isupper((unsigned char)key[i]) && islower((unsigned char)key[i - 1]));

        if (begins && strncasecmp(key + i, word, length) == 0)
            return true;
    }
    return false;
}

static bool has_any(const char *key, size_t size, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (has_word(key, size, words[i]))
            return true;
    return false;
}

static bool is_link(const char *text, size_t size)
{
    static const char *const schemes[] = {"http://", "https://", "ftp://", "ws://", "wss://", "tcp://"};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (size > strlen(schemes[i]) && strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

/* Links whose key says that they are there to be followed by a program, not by a reader. */
static int judge_link(struct scan *scan, const struct scan_object *object, const char *key, size_t key_size,
                      const char *value, size_t size, uint64_t offset, struct error *err)
{
    static const char *const calls[] = {"callback", "webhook", "exfil", "beacon",
                                        "c2",       "payload", "hook",  "phone_home"};
    static const char *const fetches[] = {"download", "update",    "remote",   "script", "config_url",
                                          "upload",   "telemetry", "report",   "post_",  "plugin",
                                          "exec",     "command",   "installer"};
    unsigned rule = LINK;

    if (!is_link(value, size))
        return 0;
    if (has_any(key, key_size, calls, sizeof calls / sizeof calls[0]))
        rule = CALLBACK;
    else if (!has_any(key, key_size, fetches, sizeof fetches / sizeof fetches[0]))
        return 0;
    return scan_find(scan, object, &metadata_rules[rule], offset, err, "%s: %s",
                     TEXT(key, key_size < SHOWN ? key_size : SHOWN), TEXT(value, size < SHOWN ? size : SHOWN));
}

static bool is_document(const char *text, size_t size)
{
    unsigned lines = 0;

    if (size < DOCUMENT_MIN || (size >= 2 && text[0] == '#' && text[1] == '!'))
        return false;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines >= DOCUMENT_LINES && !code_source_is(text, size);
}

static int report_code(struct scan *scan, const struct scan_object *object, enum code_text judged, bool document,
                       const char *key, size_t key_size, const char *what, uint64_t offset, struct error *err)
{
    static const char *const runs[] = {"command", "cmd", "script", "exec", "shell", "hook", "startup", "on_load"};
    unsigned rule = MENTION;

    if (judged == CODE_TEXT_NONE || (document && judged == CODE_TEXT_SUSPICIOUS))
        return 0;
    if (judged == CODE_TEXT_EXECUTES)
        rule = document ? DOCUMENT : CODE;
    else if (has_any(key, key_size, runs, sizeof runs / sizeof runs[0]))
        rule = CODE;
    return scan_find(scan, object, &metadata_rules[rule], offset, err, "%s: %s",
                     TEXT(key, key_size < SHOWN ? key_size : SHOWN), what);
}

/* A number or a name: most values of a configuration, and nothing in itself. */
static bool is_word(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '.' && text[i] != '-' && text[i] != '+')
            return false;
    return true;
}

/* A template's words are put out, whatever they show; what it does has been judged. */
static bool is_template(const char *key, size_t key_size, const char *value, size_t size)
{
    return memmem(key, key_size, "template", 8) != NULL && jinja_has_blocks(value, size);
}

int metadata_find(struct scan *scan, const struct scan_object *object, const void *key, size_t key_size,
                  const void *value, size_t value_size, uint64_t offset, struct error *err)
{
    const char *what = "";
    enum code_text judged;
    size_t at;
    int r;

    if (value_size < TEXT_MIN || (value_size < WORD_MAX && is_word(value, value_size)))
        return 0;
    r = template_find(scan, object, value, value_size, offset, false, err);
    if (r < 0)
        return r;
    r = judge_link(scan, object, key, key_size, value, value_size, offset, err);
    if (r < 0)
        return r;
    judged =
        is_template(key, key_size, value, value_size) ? CODE_TEXT_NONE : code_text_judge(value, value_size, &at, &what);
    r = report_code(scan, object, judged, is_document(value, value_size), key, key_size, what, offset, err);
    if (r < 0)
        return r;
    return scan_embedded(scan, object, TEXT(key, key_size < SHOWN ? key_size : SHOWN), value, value_size, offset, err);
}

int metadata_find_long(struct scan *scan, const struct scan_object *object, const void *key, size_t key_size,
                       uint64_t start, uint64_t size, struct error *err)
{
    CLEANUP_SOURCE struct source *range = source_of_range(object->source, start, size);
    const struct scan_object within = {.source = range,
                                       .name = TEXT(key, key_size < SHOWN ? key_size : SHOWN),
                                       .role = SCAN_ROLE_GUESS,
                                       .parent = object};
    struct error cause = {0};
    enum code_text judged = CODE_TEXT_NONE;
    const char *what = "";
    uint64_t at;
    int r;

    if (range == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a range");
    r = code_text_judge_source(object->source, start, size, &judged, &at, &what, &cause);
    if (r < 0) {
        scan_skipped_for(scan, object, r, start, &cause);
        return 0;
    }
    r = report_code(scan, object, judged, true, key, key_size, what, start, err);
    return r < 0 ? r : scan_object(scan, &within, err);
}
