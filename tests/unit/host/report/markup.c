/* SPDX-License-Identifier: Apache-2.0 */
/* A strict reader of our own markup. */
#include "unit/host/report/markup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 32u
#define NAME_MAX_ 24u

static const char elements[] =
    " html head meta title style body a header h1 h2 h3 main p div svg symbol path use span ul ol li strong dl dt dd "
    "nav "
    "code pre mark section table caption thead tbody tr th td figure figcaption text g circle rect desc img details "
    "summary footer testsuites testsuite properties property testcase failure error skipped ";
static const char empty_elements[] = " meta img ";
static const char attributes[] =
    " lang charset http-equiv content name id class href aria-labelledby aria-label aria-hidden width height viewBox d "
    "fill stroke stroke-width stroke-linecap role tabindex scope colspan x y cx cy r rx text-anchor alt src "
    "preserveAspectRatio message type value tests failures errors skipped timestamp time classname version encoding ";
static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&apos;"};

struct reader {
    const char *at, *end;
    char stack[DEPTH_MAX][NAME_MAX_];
    unsigned depth;
};

static bool starts(const struct reader *reader, const char *text)
{
    return (size_t)(reader->end - reader->at) >= strlen(text) && memcmp(reader->at, text, strlen(text)) == 0;
}

static bool is_listed(const char *list, const char *name)
{
    char padded[NAME_MAX_ + 2];

    (void)snprintf(padded, sizeof padded, " %s ", name);
    return strstr(list, padded) != NULL;
}

static bool read_name(struct reader *reader, char ret_name[NAME_MAX_])
{
    size_t size = 0;

    while (reader->at < reader->end && size + 1 < NAME_MAX_ &&
           ((*reader->at >= 'a' && *reader->at <= 'z') || (*reader->at >= 'A' && *reader->at <= 'Z') ||
            (*reader->at >= '0' && *reader->at <= '9') || *reader->at == '-'))
        ret_name[size++] = *reader->at++;
    ret_name[size] = '\0';
    return size > 0;
}

/* Text up to a `stop`; every & begins an entity of ours. */
static const char *read_text(struct reader *reader, char stop)
{
    while (reader->at < reader->end && *reader->at != stop) {
        unsigned char c = (unsigned char)*reader->at;
        bool known = c != '&';

        if ((c < 0x20 && c != '\n') || c == 0x7f)
            return "a control";
        if (c == '<' || (stop == '"' && c == '>'))
            return "a bracket in text";
        for (size_t i = 0; !known && i < sizeof entities / sizeof *entities; i++)
            known = starts(reader, entities[i]);
        if (!known)
            return "an unknown entity";
        reader->at++;
    }
    return reader->at < reader->end ? NULL : "no end";
}

static const char *read_attribute(struct reader *reader)
{
    char name[NAME_MAX_];

    reader->at++;
    if (!read_name(reader, name) || !is_listed(attributes, name))
        return "an unknown attribute";
    if (!starts(reader, "=\""))
        return "an attribute without quotes";
    reader->at += 2;
    /* The policy's sources stand in quotes of the other kind, and are ours. */
    if (strcmp(name, "content") == 0) {
        reader->at = memchr(reader->at, '"', (size_t)(reader->end - reader->at));
        if (reader->at == NULL)
            return "no end";
    } else {
        const char *fault = read_text(reader, '"');

        if (fault != NULL)
            return fault;
    }
    reader->at++;
    return NULL;
}

static const char *read_close(struct reader *reader)
{
    char name[NAME_MAX_];

    reader->at += 2;
    if (!read_name(reader, name) || !starts(reader, ">"))
        return "a malformed end";
    reader->at++;
    if (reader->depth == 0 || strcmp(reader->stack[--reader->depth], name) != 0)
        return "an end out of its turn";
    return NULL;
}

static const char *read_open(struct reader *reader)
{
    char name[NAME_MAX_];

    reader->at++;
    if (!read_name(reader, name) || !is_listed(elements, name))
        return "an unknown element";
    while (reader->at < reader->end && *reader->at == ' ') {
        const char *fault = read_attribute(reader);

        if (fault != NULL)
            return fault;
    }
    if (starts(reader, "/>")) {
        reader->at += 2;
        return NULL;
    }
    if (!starts(reader, ">"))
        return "a malformed element";
    reader->at++;
    if (is_listed(empty_elements, name))
        return NULL;
    if (strcmp(name, "style") == 0) {
        while (reader->at < reader->end && !starts(reader, "</"))
            reader->at++;
        if (!starts(reader, "</style>"))
            return "styles without an end";
    }
    if (reader->depth == DEPTH_MAX)
        return "too deep";
    memcpy(reader->stack[reader->depth++], name, sizeof name);
    return NULL;
}

const char *markup_fault(const struct buffer *markup)
{
    struct reader reader = {.at = (const char *)markup->data, .end = (const char *)markup->data + markup->size};
    const char *fault = NULL;

    if (starts(&reader, "<!DOCTYPE html>\n"))
        reader.at += strlen("<!DOCTYPE html>\n");
    else if (starts(&reader, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        reader.at += strlen("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    while (fault == NULL && reader.at < reader.end) {
        if (starts(&reader, "</"))
            fault = read_close(&reader);
        else if (*reader.at == '<')
            fault = read_open(&reader);
        else if (reader.depth == 0)
            fault = *reader.at == '\n' ? (reader.at++, NULL) : "text outside";
        else
            fault = read_text(&reader, '<');
    }
    return fault != NULL ? fault : reader.depth > 0 ? "an element without its end" : NULL;
}
