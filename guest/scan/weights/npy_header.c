/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of array headers.
 *
 * Theory of operation. The text is read once from left to right by one function a construct. A type is a string, or a
 * list of fields that are tuples of a name, a type and perhaps a shape. Whatever is no literal ends the parse where it
 * stands; keys and values that are literals but unknown are passed over.
 */
#include "guest/scan/weights/npy_header.h"

#include <string.h>

enum token { TOKEN_END, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_WORD, TOKEN_MARK, TOKEN_BAD };

struct parse {
    const char *text;
    size_t size, at;
    /* The token at hand. */
    enum token token;
    size_t start, content, content_size; /* content: of a text, without its quotes */
    char mark;
    uint64_t number;
};

/* --- tokens ------------------------------------------------------------------------------------------- */

static bool is_word(char byte)
{
    return byte == '_' || (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static void next_text(struct parse *parse)
{
    char quote = parse->text[parse->at++];

    parse->content = parse->at;
    while (parse->at < parse->size && parse->text[parse->at] != quote)
        parse->at += parse->text[parse->at] == '\\' ? 2 : 1;
    if (parse->at >= parse->size) {
        parse->token = TOKEN_BAD;
        return;
    }
    parse->content_size = parse->at++ - parse->content;
    parse->token = TOKEN_TEXT;
}

static void next_number(struct parse *parse)
{
    parse->number = 0;
    for (; parse->at < parse->size && parse->text[parse->at] >= '0' && parse->text[parse->at] <= '9'; parse->at++) {
        uint64_t digit = (uint64_t)(parse->text[parse->at] - '0');

        parse->number = parse->number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : parse->number * 10 + digit;
    }
    if (parse->at < parse->size && parse->text[parse->at] == 'L') /* Python 2's long */
        parse->at++;
    parse->token = parse->at < parse->size && is_word(parse->text[parse->at]) ? TOKEN_BAD : TOKEN_NUMBER;
}

static void next_token(struct parse *parse)
{
    char byte;

    while (parse->at < parse->size && strchr(" \t\n\r\f", parse->text[parse->at]) != NULL &&
           parse->text[parse->at] != '\0')
        parse->at++;
    parse->start = parse->at;
    if (parse->at == parse->size) {
        parse->token = TOKEN_END;
        return;
    }
    byte = parse->text[parse->at];
    if (strchr("ubUB", byte) != NULL && byte != '\0' && parse->at + 1 < parse->size &&
        (parse->text[parse->at + 1] == '\'' || parse->text[parse->at + 1] == '"'))
        byte = parse->text[++parse->at];
    if (byte == '-' && parse->at + 1 < parse->size && parse->text[parse->at + 1] >= '0' &&
        parse->text[parse->at + 1] <= '9') { /* a literal, and no size */
        parse->at++;
        next_number(parse);
        parse->number = UINT64_MAX;
    } else if (byte == '\'' || byte == '"') {
        next_text(parse);
    } else if (byte >= '0' && byte <= '9') {
        next_number(parse);
    } else if (is_word(byte)) {
        parse->content = parse->at;
        while (parse->at < parse->size && is_word(parse->text[parse->at]))
            parse->at++;
        parse->content_size = parse->at - parse->content;
        parse->token = TOKEN_WORD;
    } else if (byte != '\0' && strchr("{}[](),:", byte) != NULL) {
        parse->mark = byte;
        parse->at++;
        parse->token = TOKEN_MARK;
    } else {
        parse->token = TOKEN_BAD;
    }
}

static bool is_mark(const struct parse *parse, char mark)
{
    return parse->token == TOKEN_MARK && parse->mark == mark;
}

static bool take(struct parse *parse, char mark)
{
    if (!is_mark(parse, mark))
        return false;
    next_token(parse);
    return true;
}

static bool is_text(const struct parse *parse, const char *text)
{
    return parse->content_size == strlen(text) && memcmp(parse->text + parse->content, text, parse->content_size) == 0;
}

static bool is_constant(const struct parse *parse)
{
    return parse->token == TOKEN_TEXT || parse->token == TOKEN_NUMBER ||
           (parse->token == TOKEN_WORD &&
            (is_text(parse, "True") || is_text(parse, "False") || is_text(parse, "None")));
}

/* --- types -------------------------------------------------------------------------------------------- */

/* Names that numpy.dtype knows beside the letters; sizes on the machines that there are. */
static const struct {
    const char *name;
    uint8_t size;
} names[] = {
    {"bool", 1},      {"int8", 1},      {"uint8", 1},       {"int16", 2},       {"uint16", 2},  {"int32", 4},
    {"uint32", 4},    {"int64", 8},     {"uint64", 8},      {"float16", 2},     {"float32", 4}, {"float64", 8},
    {"float128", 16}, {"complex64", 8}, {"complex128", 16}, {"complex256", 32}, {"int", 8},     {"float", 8},
    {"complex", 16},  {"uint", 8},      {"half", 2},        {"single", 4},      {"double", 8},  {"longdouble", 16},
};

/* Sizes of the letters that stand without a number. */
static uint64_t letter_size(char letter)
{
    static const char letters[] = "?bBhHiIlLqQpPefdgFDG",
                      sizes[] = "\1\1\1\2\2\4\4\x8\x8\x8\x8\x8\x8\2\4\x8\x10\x8\x10\x20";
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;

    return found != NULL ? (uint64_t)sizes[found - letters] : 0;
}

bool npy_type_size(const char *text, size_t size, uint64_t *ret_size, bool *ret_object)
{
    size_t at = size > 0 && text[0] != '\0' && strchr("<>=|", text[0]) != NULL ? 1 : 0;
    uint64_t number = 0;
    size_t digits;

    /* Any mention of objects, also in "i4,O" or "(2,3)O": a field of them makes the whole a pickle. */
    *ret_object = memchr(text, 'O', size) != NULL || memmem(text, size, "object", 6) != NULL;
    *ret_size = 8;
    if (*ret_object)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (size - at == strlen(names[i].name) && memcmp(text + at, names[i].name, size - at) == 0) {
            *ret_size = names[i].size;
            return true;
        }
    if (size - at == 1 && (*ret_size = letter_size(text[at])) > 0)
        return true;
    if (at == size || text[at] == '\0' || strchr("biufcmMSaUV", text[at]) == NULL)
        return false;
    for (digits = at + 1; digits < size && text[digits] >= '0' && text[digits] <= '9'; digits++) {
        number = number * 10 + (uint64_t)(text[digits] - '0');
        if (number > UINT32_MAX)
            return false;
    }
    if (digits < size && !(text[digits] == '[' && (text[at] == 'm' || text[at] == 'M') && text[size - 1] == ']'))
        return false;
    if (digits == at + 1 && strchr("SaUV", text[at]) == NULL) /* "M8[ns]" may stand as "M[ns]" nowhere */
        return false;
    *ret_size = text[at] == 'U' ? number * 4 : number;
    return true;
}

static bool multiply(uint64_t *value, uint64_t by)
{
    return !__builtin_mul_overflow(*value, by, value);
}

/* A tuple of numbers, or one number; each is given to the caller by its place. */
static bool parse_shape(struct parse *parse, uint64_t *ret_shape, uint32_t *ret_rank)
{
    uint32_t rank = 0;

    if (parse->token == TOKEN_NUMBER) {
        ret_shape[0] = parse->number;
        *ret_rank = 1;
        next_token(parse);
        return true;
    }
    if (!take(parse, '('))
        return false;
    while (parse->token == TOKEN_NUMBER && rank < NPY_RANK_MAX) {
        ret_shape[rank++] = parse->number;
        next_token(parse);
        if (!take(parse, ','))
            break;
    }
    *ret_rank = rank;
    return take(parse, ')');
}

static bool parse_type(struct parse *parse, unsigned depth, uint64_t *ret_size, bool *ret_object);

/* "('name', type)", "('name', type, shape)", "(('title', 'name'), type)". */
static bool parse_field(struct parse *parse, unsigned depth, uint64_t *ret_size, bool *ret_object)
{
    uint64_t shape[NPY_RANK_MAX];
    uint32_t rank;

    if (!take(parse, '('))
        return false;
    if (take(parse, '(')) {
        for (unsigned i = 0; i < 2; i++) {
            if (!is_constant(parse))
                return false;
            next_token(parse);
            (void)take(parse, ',');
        }
        if (!take(parse, ')'))
            return false;
    } else if (parse->token == TOKEN_TEXT) {
        next_token(parse);
    } else {
        return false;
    }
    if (!take(parse, ',') || !parse_type(parse, depth, ret_size, ret_object))
        return false;
    if (take(parse, ',') && !is_mark(parse, ')')) {
        if (!parse_shape(parse, shape, &rank))
            return false;
        for (uint32_t i = 0; i < rank; i++)
            if (!multiply(ret_size, shape[i]))
                *ret_size = UINT64_MAX;
        (void)take(parse, ',');
    }
    return take(parse, ')');
}

static bool parse_type(struct parse *parse, unsigned depth, uint64_t *ret_size, bool *ret_object)
{
    *ret_size = 0;
    *ret_object = false;
    if (parse->token == TOKEN_TEXT) {
        if (!npy_type_size(parse->text + parse->content, parse->content_size, ret_size, ret_object))
            return false;
        next_token(parse);
        return true;
    }
    if (depth == NPY_DEPTH_MAX || !take(parse, '['))
        return false;
    while (!is_mark(parse, ']')) {
        uint64_t size;
        bool object;

        if (!parse_field(parse, depth + 1, &size, &object))
            return false;
        if (__builtin_add_overflow(*ret_size, size, ret_size))
            *ret_size = UINT64_MAX;
        *ret_object |= object;
        if (!take(parse, ','))
            break;
    }
    return take(parse, ']');
}

/* --- the header --------------------------------------------------------------------------------------- */

/* Whether the whole text has tokens of a literal only: what ast.literal_eval would take. Stops at what is none. */
static bool is_literal(struct parse *parse)
{
    for (next_token(parse); parse->token != TOKEN_END; next_token(parse)) {
        bool after_value = is_constant(parse) || is_mark(parse, ']') || is_mark(parse, ')') || is_mark(parse, '}');

        if (!after_value && parse->token != TOKEN_MARK)
            return false;
        if (after_value) { /* "'a'(...)", "[...](...)", "None[...]": a call or a subscript */
            struct parse ahead = *parse;

            next_token(&ahead);
            if (is_mark(&ahead, '(') || is_mark(&ahead, '[') || is_mark(&ahead, '{')) {
                *parse = ahead;
                return false;
            }
        }
    }
    return true;
}

static bool parse_entry(struct parse *parse, struct npy_header *header, unsigned *seen)
{
    if (parse->token != TOKEN_TEXT)
        return false;
    if (is_text(parse, "descr")) {
        *seen |= 1;
        next_token(parse);
        return take(parse, ':') && parse_type(parse, 0, &header->item_size, &header->object);
    }
    if (is_text(parse, "shape")) {
        *seen |= 2;
        next_token(parse);
        return take(parse, ':') && parse_shape(parse, header->shape, &header->rank);
    }
    if (is_text(parse, "fortran_order"))
        *seen |= 4;
    next_token(parse);
    if (!take(parse, ':') || !is_constant(parse))
        return false;
    next_token(parse);
    return true;
}

enum npy_header_end npy_header_parse(const char *text, size_t size, struct npy_header *ret_header)
{
    struct parse parse = {.text = text, .size = size}, check = parse;
    unsigned seen = 0;

    *ret_header = (struct npy_header){0};
    if (!is_literal(&check)) {
        ret_header->offset = check.start;
        return NPY_HEADER_CODE;
    }
    next_token(&parse);
    if (take(&parse, '{'))
        while (!is_mark(&parse, '}') && parse_entry(&parse, ret_header, &seen))
            if (!take(&parse, ','))
                break;
    ret_header->offset = parse.start;
    if (!take(&parse, '}') || parse.token != TOKEN_END || seen != 7)
        return NPY_HEADER_NO_ARRAY;
    return NPY_HEADER_WHOLE;
}

bool npy_header_size(const struct npy_header *header, uint64_t *ret_size)
{
    uint64_t size = header->item_size;

    if (size == UINT64_MAX)
        return false;
    for (uint32_t i = 0; i < header->rank; i++)
        if (header->shape[i] == 0) {
            *ret_size = 0;
            return true;
        }
    for (uint32_t i = 0; i < header->rank; i++)
        if (header->shape[i] > INT64_MAX || !multiply(&size, header->shape[i]))
            return false;
    *ret_size = size;
    return size <= INT64_MAX;
}
