/* SPDX-License-Identifier: Apache-2.0 */
/* Reading Jinja's blocks and judging what is in them. */
#include "guest/scan/jinja.h"

#include "guest/scan/jinja_names.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LITERAL_MAX 4096u /* bytes of a string that are looked at */
#define FOLD_MAX    256u  /* bytes of the strings before that are remembered */
#define PIECE_MAX   64u   /* a string that may be a piece of a name */
#define NAME_MAX_   63u   /* bytes of a name that are kept */
#define AGAIN_RATIO 16u   /* times that a text is read again at most, for blocks that do not end */
#define AGAIN_MIN   65536u
#define POWER_MIN   6         /* of an exponent */
#define BOMB_MIN    10000000u /* repetitions */

enum kind { END, CUT, NAME, STRING, NUMBER, MARK };

struct token {
    enum kind kind;
    size_t offset;
    char name[NAME_MAX_ + 1]; /* NAME */
    char mark;                /* MARK */
    double number;            /* NUMBER */
};

struct state {
    const uint8_t *bytes;
    size_t size, used;
    struct jinja *jinja;
    struct token before, last; /* the two tokens before the one at hand */
    uint8_t literal[LITERAL_MAX];
    size_t literal_size;
    char fold[FOLD_MAX]; /* short strings of the template, one after the other */
    size_t fold_size;
    bool attr_open;      /* between "attr(" and its ")" */
    unsigned attr_parts; /* tokens in there */
    size_t attr_offset;
    bool attr_string; /* the first of them is a string */
    int braces;       /* open ones in the block */
    uint64_t again;   /* bytes read once more */
};

static void note(struct state *state, enum jinja_trait trait, size_t offset, const char *what)
{
    if (state->jinja->traits[trait].found)
        return;
    state->jinja->traits[trait].found = true;
    state->jinja->traits[trait].offset = offset;
    state->jinja->traits[trait].what = what;
}

/* --- strings ------------------------------------------------------------------------------------------ */

static int hex_value(const struct state *state, size_t at, unsigned digits)
{
    int value = 0;

    if (at + digits > state->size)
        return -1;
    for (unsigned i = 0; i < digits; i++) {
        int c = tolower(state->bytes[at + i]);

        if (!isxdigit(c))
            return -1;
        value = (value & 0xffffff) << 4 | (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return value;
}

/* The character of an escape at the backslash `at`, as Python reads it; *ret_size: of the whole. */
static int unescape(const struct state *state, size_t at, size_t *ret_size)
{
    uint8_t letter = at + 1 < state->size ? state->bytes[at + 1] : 0;
    unsigned digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    int value = digits > 0 ? hex_value(state, at + 2, digits) : -1;

    if (value >= 0) {
        *ret_size = 2 + digits;
        return value < 0x80 ? value : 0x80;
    }
    *ret_size = 2;
    if (letter >= '0' && letter <= '7') {
        value = 0;
        for (*ret_size = 1; *ret_size < 4 && at + *ret_size < state->size; (*ret_size)++) {
            uint8_t c = state->bytes[at + *ret_size];

            if (c < '0' || c > '7')
                break;
            value = value * 8 + (c - '0');
        }
        return value < 0x80 ? value : 0x80;
    }
    if (letter == 'n' || letter == 'r' || letter == 't')
        return ' ';
    return letter;
}

/* Reads a string's text from its quote on; false where it does not end. */
static bool take_string(struct state *state, uint8_t quote)
{
    size_t at = state->used + 1, size;

    state->literal_size = 0;
    while (at < state->size && state->bytes[at] != quote) {
        int c = state->bytes[at];

        size = 1;
        if (c == '\\')
            c = unescape(state, at, &size);
        if (state->literal_size < LITERAL_MAX)
            state->literal[state->literal_size++] = (uint8_t)c;
        at += size;
    }
    if (at >= state->size)
        return false;
    state->used = at + 1;
    return true;
}

/* A short string is a piece of what the template may put together: looked at behind those before it. */
static void fold_literal(struct state *state, size_t offset)
{
    if (state->literal_size == 0 || state->literal_size > PIECE_MAX)
        return;
    if (state->fold_size + state->literal_size > FOLD_MAX) {
        size_t keep = FOLD_MAX / 2 < state->fold_size ? FOLD_MAX / 2 : state->fold_size;

        memmove(state->fold, state->fold + state->fold_size - keep, keep);
        state->fold_size = keep;
    }
    memcpy(state->fold + state->fold_size, state->literal, state->literal_size);
    state->fold_size += state->literal_size;
    if (jinja_names_inner(state->fold, state->fold_size))
        note(state, JINJA_INTERNALS, offset, "strings that together name Python's inner attributes");
}

/* "%c" twice or more: text made of numbers, in which any name may hide. */
static bool makes_characters(const char *text, size_t size)
{
    const char *first = memmem(text, size, "%c", 2);

    return first != NULL && memmem(first + 2, size - (size_t)(first + 2 - text), "%c", 2) != NULL;
}

static void judge_literal(struct state *state, size_t offset)
{
    const char *text = (const char *)state->literal;
    size_t size = state->literal_size;

    if (makes_characters(text, size))
        note(state, JINJA_COMPUTED, offset, "text that is made of the numbers of its characters");
    if (jinja_names_inner(text, size))
        note(state, JINJA_INTERNALS, offset, "a string that names Python's inner attributes");
    else if (jinja_is_piece(text, size))
        note(state, JINJA_ODD, offset, "a string that is a piece of an inner name");
    fold_literal(state, offset);
}

/* --- tokens ------------------------------------------------------------------------------------------- */

static bool is_name_byte(uint8_t c)
{
    return isalnum(c) || c == '_' || c >= 0x80;
}

static void take_name(struct state *state, struct token *token)
{
    size_t length = 0;

    while (state->used < state->size && is_name_byte(state->bytes[state->used])) {
        if (length < NAME_MAX_)
            token->name[length++] = (char)state->bytes[state->used];
        state->used++;
    }
    token->name[length] = '\0';
}

static void take_number(struct state *state, struct token *token)
{
    token->number = 0;
    while (state->used < state->size && (isalnum(state->bytes[state->used]) || state->bytes[state->used] == '_')) {
        uint8_t c = state->bytes[state->used++];

        if (isdigit(c))
            token->number = token->number * 10 + (c - '0');
        else if (c == 'e' || c == 'E' || c == 'x' || c == 'X') /* an exponent, a base: large at a guess */
            token->number *= 1e6;
    }
}

/*
 * The next token of a block that ends in `close` and "}": END there; CUT where the text ends before, or where there is
 * what Jinja's lexer refuses. Inside of brackets "}}" closes those.
 */
static struct token next_token(struct state *state, uint8_t close)
{
    struct token token = {.kind = END};
    uint8_t c;

    while (state->used < state->size && isspace(state->bytes[state->used]))
        state->used++;
    token.offset = state->used;
    token.kind = CUT;
    if (state->used >= state->size)
        return token;
    c = state->bytes[state->used];
    token.kind = END;
    if (c == close && state->braces == 0 && state->used + 1 < state->size && state->bytes[state->used + 1] == '}') {
        state->used += 2;
        return token;
    }
    if (isdigit(c)) {
        token.kind = NUMBER;
        take_number(state, &token);
    } else if (is_name_byte(c)) {
        token.kind = NAME;
        take_name(state, &token);
    } else if ((c == '"' || c == '\'') && take_string(state, c)) {
        token.kind = STRING;
    } else if (memchr("+-/*~%<>=!|.,:;()[]{}", c, 21) != NULL) {
        token.kind = MARK;
        token.mark = (char)c;
        state->used++;
        state->braces += c == '{' ? 1 : c == '}' && state->braces > 0 ? -1 : 0;
    } else {
        token.kind = CUT;
    }
    return token;
}

static bool is_mark(const struct token *token, char mark)
{
    return token->kind == MARK && token->mark == mark;
}

static bool is_name(const struct token *token, const char *name)
{
    return token->kind == NAME && strcmp(token->name, name) == 0;
}

/* --- judging ------------------------------------------------------------------------------------------- */

static void judge_name(struct state *state, const struct token *token)
{
    size_t size = strlen(token->name);
    bool attribute = is_mark(&state->last, '.');

    if (jinja_names_inner(token->name, size))
        note(state, JINJA_INTERNALS, token->offset, "Python's inner attributes");
    else if (attribute && jinja_is_frame_name(token->name))
        note(state, JINJA_INTERNALS, token->offset, "the frames and code of Python's functions");
    else if (attribute && size > 2 && token->name[0] == '_' && token->name[1] == '_')
        note(state, JINJA_INTERNALS, token->offset, "an inner attribute");
    else if (jinja_is_piece(token->name, size)) {
        note(state, JINJA_ODD, token->offset, "a name that is a piece of an inner one");
        memcpy(state->literal, token->name, size); /* dict(__cl=1, ass__=2)|join */
        state->literal_size = size;
        fold_literal(state, token->offset);
    } else if (attribute && token->name[0] == '_')
        note(state, JINJA_ODD, token->offset, "an attribute that is not for others");
    else if (!attribute && jinja_is_framework_name(token->name))
        note(state, JINJA_ODD, token->offset, "an object of a web framework");
}

/* After "name (", or "os .": the name stands two tokens before. */
static void judge_call(struct state *state, const struct token *token)
{
    if (state->last.kind == NAME && is_mark(token, '(') &&
        jinja_is_system_call(state->last.name, is_mark(&state->before, '.')))
        note(state, JINJA_CALL, state->last.offset, "a call that runs commands, code, or opens files");
    if (state->last.kind == NAME && is_mark(token, '.') && jinja_is_system_module(state->last.name))
        note(state, JINJA_CALL, state->last.offset, "a module of the system");
}

/* "|attr(...)": with one string, that string is judged as every other; with anything else the name is computed. */
static void judge_attr(struct state *state, const struct token *token)
{
    if (!state->attr_open) {
        if (is_mark(token, '(') && is_name(&state->last, "attr") && is_mark(&state->before, '|')) {
            note(state, JINJA_ODD, state->last.offset, "the filter attr");
            state->attr_open = true;
            state->attr_parts = 0;
            state->attr_offset = state->last.offset;
        }
        return;
    }
    if (is_mark(token, ')')) {
        state->attr_open = false;
        if (state->attr_parts != 1 || !state->attr_string)
            note(state, JINJA_COMPUTED, state->attr_offset, "the filter attr with a name that is computed");
        return;
    }
    if (state->attr_parts++ == 0)
        state->attr_string = token->kind == STRING;
}

static void judge_number(struct state *state, const struct token *token)
{
    if (token->number >= POWER_MIN && is_mark(&state->last, '*') && is_mark(&state->before, '*'))
        note(state, JINJA_BOMB, token->offset, "a power that no text needs");
    if (token->number >= BOMB_MIN &&
        (is_mark(&state->last, '*') || is_mark(&state->last, '(') || is_mark(&state->last, ',')))
        note(state, JINJA_BOMB, token->offset, "a number of repetitions that no text needs");
}

/* The first name of a {% %} block. */
static void judge_statement(struct state *state, const struct token *token)
{
    if (is_name(token, "include") || is_name(token, "import") || is_name(token, "extends") || is_name(token, "from"))
        note(state, JINJA_INCLUDE, token->offset, "another template, read from where the loader looks for them");
    if (is_name(token, "load") || is_name(token, "debug") || is_name(token, "ssi"))
        note(state, JINJA_ODD, token->offset, "a statement of another engine");
}

/* What comes after the beginning is read again, unless a text is made so that this has no end. */
static void give_up_block(struct state *state, const struct jinja *before, size_t begin)
{
    *state->jinja = *before;
    state->again += state->used - begin;
    state->used = begin;
    if (state->again > AGAIN_RATIO * state->size + AGAIN_MIN) {
        note(state, JINJA_ODD, begin, "more blocks that do not end than can be followed");
        state->used = state->size;
    }
}

/*
 * A block's content up to its end. Whether it was {% raw %}. A block that Jinja refuses makes no template: it says
 * nothing, and what comes after its beginning is looked at for others.
 */
static bool judge_block(struct state *state, uint8_t close)
{
    const struct jinja before = *state->jinja;
    const size_t begin = state->used;
    bool first = close == '%', raw = false;

    state->braces = 0;
    state->last = state->before = (struct token){.kind = END};
    state->attr_open = false;
    for (;;) {
        struct token token = next_token(state, close);

        if (token.kind == END)
            return raw;
        if (token.kind == CUT) {
            give_up_block(state, &before, begin);
            return false;
        }
        if (first && token.kind == NAME) {
            judge_statement(state, &token);
            raw = is_name(&token, "raw");
            first = false;
        }
        if (token.kind == NAME)
            judge_name(state, &token);
        else if (token.kind == STRING)
            judge_literal(state, token.offset);
        else if (token.kind == NUMBER)
            judge_number(state, &token);
        judge_attr(state, &token);
        judge_call(state, &token);
        state->before = state->last;
        state->last = token;
    }
}

/* Where the next "{" + one of `letters` begins; the end where there is none. */
static size_t find_opener(const struct state *state, size_t at, const char *letters)
{
    while (at + 1 < state->size) {
        const uint8_t *brace = memchr(state->bytes + at, '{', state->size - at - 1);

        if (brace == NULL)
            return state->size;
        if (brace[1] != '\0' && strchr(letters, brace[1]) != NULL)
            return (size_t)(brace - state->bytes);
        at = (size_t)(brace - state->bytes) + 1;
    }
    return state->size;
}

/* Past the text of a raw block: up to "{% endraw %}". */
static void skip_raw(struct state *state)
{
    for (;;) {
        size_t at = find_opener(state, state->used, "%"), name = at + 2;

        if (at >= state->size) {
            state->used = state->size;
            return;
        }
        while (name < state->size &&
               (isspace(state->bytes[name]) || state->bytes[name] == '-' || state->bytes[name] == '+'))
            name++;
        state->used = name;
        if (state->size - name >= 6 && memcmp(state->bytes + name, "endraw", 6) == 0)
            return;
    }
}

static void skip_comment(struct state *state)
{
    const uint8_t *end = memmem(state->bytes + state->used, state->size - state->used, "#}", 2);

    state->used = end != NULL ? (size_t)(end - state->bytes) + 2 : state->size;
}

void jinja_judge(const void *bytes, size_t size, struct jinja *ret_jinja)
{
    struct state state = {.bytes = bytes, .size = size, .jinja = ret_jinja};

    *ret_jinja = (struct jinja){0};
    for (;;) {
        size_t at = find_opener(&state, state.used, "{%#");

        if (at >= size)
            return;
        state.used = at + 2;
        if (state.bytes[at + 1] == '#') {
            skip_comment(&state);
            continue;
        }
        ret_jinja->blocks++;
        if (judge_block(&state, state.bytes[at + 1] == '{' ? '}' : '%'))
            skip_raw(&state);
    }
}

bool jinja_has_blocks(const void *bytes, size_t size)
{
    const struct state state = {.bytes = bytes, .size = size};

    return find_opener(&state, 0, "{%") < size;
}
