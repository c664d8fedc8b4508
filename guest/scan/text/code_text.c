/* SPDX-License-Identifier: Apache-2.0 */
/* Judging texts by the tokens in them. */
#include "guest/scan/text/code_text.h"

#include "guest/scan/limits.h"
#include "guest/scan/text/code_encoded.h"
#include "guest/scan/text/code_lexer.h"
#include "guest/scan/text/code_patterns.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define WINDOW       128u /* tokens at hand */
#define AHEAD        72u  /* of them after the one that is looked at, at least; more than any pattern with one gap */
#define ESCAPES_MANY 8u   /* characters written as escapes that are no accident */
#define OVERLAP      4096u

_Static_assert(AHEAD > CODE_GAP_MAX + 20 && WINDOW > AHEAD, "patterns fit the window");

struct window {
    struct code_lexer lexer;
    struct code_token tokens[WINDOW];
    uint32_t first, count; /* first: the one looked at; those before it stay a while */
};

struct judgement {
    enum code_text judged;
    size_t offset;
    const char *what;
};

/* --- one pattern ------------------------------------------------------------------------------------- */

static bool equal(const char *token, const char *want, size_t size, bool no_case)
{
    size_t i = 0;

    for (; i < size; i++) {
        char c = no_case ? (char)tolower((unsigned char)token[i]) : token[i];

        if (want[i] == '*' && i + 1 == size)
            return true;
        if (c != want[i] || c == '\0')
            return false;
    }
    return token[i] == '\0';
}

static bool is_quote(const struct code_token *token)
{
    return token->text[0] == '"' || token->text[0] == '\'' || token->text[0] == '`';
}

/* Whether a token is what one element of a pattern wants. */
static bool fits(const struct code_token *token, const char *element, size_t size, bool no_case)
{
    if (size == 1 && element[0] == '~')
        return token->text[0] != ')';
    if (size == 1 && element[0] == '"')
        return is_quote(token);
    if (token->after_line)
        return false;
    if (size > 1 && element[0] == '+') {
        if (token->after_blank)
            return false;
        element++, size--;
    } else if (size > 1 && element[0] == '_' && element[1] == '-') {
        if (!token->after_blank)
            return false;
        element++, size--;
    }
    if (size == 1 && (element[0] == '*' || element[0] == ','))
        return element[0] == '*' ? token->word : token->text[0] == ',';
    for (size_t start = 0; start <= size;) {
        const char *comma = memchr(element + start, ',', size - start);
        size_t length = comma != NULL ? (size_t)(comma - element) - start : size - start;

        if (length == 1 && element[start] == '"' ? is_quote(token)
                                                 : equal(token->text, element + start, length, no_case))
            return true;
        start += length + 1;
    }
    return false;
}

/* Whether the rest of a pattern matches from the window's token `at` on. Recursive by the gaps of a pattern: one. */
static bool matches_from(const struct window *window, uint32_t at, const char *pattern, bool no_case)
{
    while (*pattern != '\0') {
        size_t size = strcspn(pattern, " ");
        const char *rest = pattern + size + (pattern[size] == ' ');

        if (size == 3 && memcmp(pattern, "...", 3) == 0) {
            for (uint32_t i = at; i < window->count && i <= at + CODE_GAP_MAX; i++) {
                if (matches_from(window, i, rest, no_case))
                    return true;
                if (window->tokens[i].after_line)
                    return false;
            }
            return false;
        }
        if (at >= window->count || !fits(&window->tokens[at], pattern, size, no_case))
            return false;
        at++;
        pattern = rest;
    }
    return true;
}

static bool is_statement(const struct window *window)
{
    const struct code_token *token = &window->tokens[window->first];

    return window->first == 0 || token->after_line || strchr(";:&|({\"'`$", token[-1].text[0]) != NULL;
}

static bool is_after(const struct window *window, const char *word)
{
    return window->first > 0 && strcmp(window->tokens[window->first - 1].text, word) == 0;
}

static bool matches(const struct window *window, const struct code_pattern *pattern)
{
    const struct code_token *token = &window->tokens[window->first];
    size_t size = strcspn(pattern->tokens, " ");
    bool no_case = (pattern->flags & CODE_NO_CASE) != 0;

    if (!equal(token->text, pattern->tokens, size, no_case))
        return false;
    if ((pattern->flags & CODE_NOT_DOTTED) != 0 &&
        (is_after(window, ".") || is_after(window, "def") || is_after(window, "function")))
        return false;
    if ((pattern->flags & CODE_STATEMENT) != 0 && !is_statement(window))
        return false;
    return matches_from(window, window->first + 1, pattern->tokens + size + (pattern->tokens[size] == ' '), no_case);
}

/* --- a text ------------------------------------------------------------------------------------------ */

/* The first pattern of the table that begins with this character or a later one. */
static size_t first_with(int c)
{
    size_t low = 0, high = code_pattern_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (tolower((unsigned char)code_patterns[middle].tokens[0]) < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void raise_to(struct judgement *judgement, enum code_text judged, size_t offset, const char *what)
{
    if (judged > judgement->judged)
        *judgement = (struct judgement){.judged = judged, .offset = offset, .what = what};
}

static void judge_token(const struct window *window, struct judgement *judgement)
{
    const struct code_token *token = &window->tokens[window->first];
    int c = tolower((unsigned char)token->text[0]);

    for (size_t i = first_with(c); i < code_pattern_count && tolower((unsigned char)code_patterns[i].tokens[0]) == c;
         i++)
        if (code_patterns[i].judged > judgement->judged && matches(window, &code_patterns[i]))
            raise_to(judgement, code_patterns[i].judged, token->offset, code_patterns[i].what);
}

/* Moves to the next token, with AHEAD of them behind it as far as the text goes. */
static bool advance(struct window *window, bool start)
{
    if (!start)
        window->first++;
    if (window->first >= WINDOW - AHEAD) {
        uint32_t drop = window->first - 1; /* one stays: what stood before */

        memmove(window->tokens, window->tokens + drop, (window->count - drop) * sizeof window->tokens[0]);
        window->first -= drop;
        window->count -= drop;
    }
    while (window->count < WINDOW && code_lexer_next(&window->lexer, &window->tokens[window->count]))
        window->count++;
    return window->first < window->count;
}

static void judge_tokens(const uint8_t *bytes, size_t size, struct judgement *judgement)
{
    struct window window = {.lexer = {.bytes = bytes, .size = size}};

    for (bool more = advance(&window, true); more && judgement->judged < CODE_TEXT_EXECUTES;
         more = advance(&window, false))
        judge_token(&window, judgement);
    if (window.lexer.escapes >= ESCAPES_MANY)
        raise_to(judgement, CODE_TEXT_SUSPICIOUS, 0, "text written in escapes");
}

/* Texts in base64 or hex within the text, one level deep. */
static void judge_encoded(const uint8_t *bytes, size_t size, struct judgement *judgement)
{
    struct code_encoded encoded = {.bytes = bytes, .size = size};
    size_t length;

    while (judgement->judged < CODE_TEXT_EXECUTES && code_encoded_next(&encoded, &length)) {
        struct judgement within = {.judged = CODE_TEXT_NONE};

        judge_tokens(encoded.text, length, &within);
        if (within.judged == CODE_TEXT_EXECUTES)
            raise_to(judgement, CODE_TEXT_EXECUTES, encoded.at, "encoded text that is code");
        else if (within.judged == CODE_TEXT_SUSPICIOUS)
            raise_to(judgement, CODE_TEXT_SUSPICIOUS, encoded.at, "encoded text that names what code needs");
    }
}

enum code_text code_text_judge(const void *bytes, size_t size, size_t *ret_offset, const char **ret_what)
{
    struct judgement judgement = {.judged = CODE_TEXT_NONE};
    const uint8_t *text = bytes;

    if (size > SCAN_VIEW_MAX)
        size = SCAN_VIEW_MAX;
    if (size >= 3 && text[0] == '#' && text[1] == '!' && memchr(text, '/', size < 8 ? size : 8) != NULL)
        raise_to(&judgement, CODE_TEXT_EXECUTES, 0, "a script's first line");
    judge_tokens(text, size, &judgement);
    judge_encoded(text, size, &judgement);
    if (judgement.judged != CODE_TEXT_NONE) {
        *ret_offset = judgement.offset;
        *ret_what = judgement.what;
    }
    return judgement.judged;
}

int code_text_judge_source(struct source *source, uint64_t offset, uint64_t size, enum code_text *ret_judged,
                           uint64_t *ret_offset, const char **ret_what, struct error *err)
{
    enum code_text judged = CODE_TEXT_NONE;

    for (uint64_t done = 0; done < size && judged < CODE_TEXT_EXECUTES;) {
        size_t want = size - done < SCAN_VIEW_MAX ? (size_t)(size - done) : SCAN_VIEW_MAX, got, at;
        const uint8_t *bytes;
        const char *what;
        enum code_text here;
        int r = source_view(source, offset + done, want, &bytes, &got, err);

        if (r < 0)
            return r;
        if (got < want)
            size = done + got; /* the source ends before */
        here = code_text_judge(bytes, got < want ? got : want, &at, &what);
        if (here > judged) {
            judged = here;
            *ret_offset = offset + done + at;
            *ret_what = what;
        }
        done += done + want < size ? want - OVERLAP : want;
    }
    *ret_judged = judged;
    return 0;
}
