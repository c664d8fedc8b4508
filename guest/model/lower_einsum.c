/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lowering of Einsum of one or two values: diagonals picked, axes that one value alone has and the result has not
 * summed, and the rest a product of matrices between transpositions.
 */
#include "guest/model/lower_index.h"

#include <string.h>

struct term { /* a value, and a letter for each of its axes; those of "..." have numbers from 1 on */
    uint32_t value, rank;
    uint8_t labels[GRAPH_RANK_MAX];
};

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int32_t find(const struct term *term, uint8_t label)
{
    for (uint32_t i = 0; i < term->rank; i++)
        if (term->labels[i] == label)
            return (int32_t)i;
    return -1;
}

static int bad_equation(struct compose *c)
{
    compose_check(c, lower_bad(c->lower, "its equation does not describe its inputs"));
    return -1;
}

/* The letters of one term of the equation; with `rank` 0 those of the result, "..." as long as `dots` says. */
static void parse(struct compose *c, struct span text, uint32_t rank, uint32_t *dots, struct term *ret_term)
{
    struct term term = {.value = ret_term->value};
    uint32_t letters = 0;

    for (size_t i = 0; i < text.size; i++)
        letters += is_letter(text.data[i]);
    for (size_t i = 0; i < text.size && c->code == 0; i++) {
        uint32_t count = 1;

        if (text.data[i] == ' ')
            continue;
        if (text.data[i] == '.') {
            if (text.size - i < 3 || memcmp(text.data + i, "...", 3) != 0 || (rank > 0 && letters > rank)) {
                (void)bad_equation(c);
                return;
            }
            count = rank > 0 ? rank - letters : *dots;
            *dots = count;
            i += 2;
        } else if (!is_letter(text.data[i])) {
            (void)bad_equation(c);
            return;
        }
        for (uint32_t k = 0; k < count; k++) {
            if (term.rank == GRAPH_RANK_MAX) {
                (void)bad_equation(c);
                return;
            }
            term.labels[term.rank++] = text.data[i] == '.' ? (uint8_t)(k + 1) : text.data[i];
        }
    }
    if (c->code == 0 && rank > 0 && term.rank != rank)
        (void)bad_equation(c);
    *ret_term = term;
}

/* A term whose letter comes twice has only the elements where both axes are equal. */
static void take_diagonals(struct compose *c, struct term *term)
{
    for (uint32_t i = 0; i < term->rank && c->code == 0; i++) {
        struct lower_value x = compose_record(c, term->value);
        uint64_t dims[GRAPH_RANK_MAX], at[GRAPH_RANK_MAX], own[GRAPH_RANK_MAX];
        CLEANUP_FREE int64_t *table = NULL;
        uint32_t first = (uint32_t)find(term, term->labels[i]), rank = 0;

        if (first == i)
            continue;
        if (x.dims[first] != x.dims[i]) {
            (void)bad_equation(c);
            return;
        }
        for (uint32_t k = 0; k < term->rank; k++)
            if (k != i) {
                term->labels[rank] = term->labels[k];
                dims[rank++] = x.dims[k];
            }
        table = index_table(c, dims_elements(rank, dims));
        for (uint64_t e = 0; c->code == 0 && e < dims_elements(rank, dims); e++) {
            index_unravel(rank, dims, e, own);
            for (uint32_t k = 0; k < x.rank; k++)
                at[k] = own[k < i ? k : k == i ? first : k - 1];
            table[e] = (int64_t)index_ravel(x.rank, x.dims, at);
        }
        term->value = index_pick(c, term->value, table, 0, rank, dims);
        term->rank = rank;
        i--;
    }
}

/* Sums over the axes that neither the other term (or NULL) nor the result has. */
static void sum_alone(struct compose *c, struct term *term, const struct term *other, const struct term *result)
{
    struct lower_value x = compose_record(c, term->value);
    bool axes[GRAPH_RANK_MAX] = {false}, any = false;
    struct term kept = {.value = term->value};
    uint64_t dims[GRAPH_RANK_MAX];

    for (uint32_t i = 0; i < term->rank; i++) {
        axes[i] = find(result, term->labels[i]) < 0 && (other == NULL || find(other, term->labels[i]) < 0);
        any = any || axes[i];
        if (!axes[i]) {
            dims[kept.rank] = x.dims[i];
            kept.labels[kept.rank++] = term->labels[i];
        }
    }
    if (any)
        kept.value = compose_reshape(c, compose_reduce(c, GRAPH_REDUCE_SUM, term->value, axes), kept.rank, dims);
    *term = kept;
}

enum group { GROUP_BATCH, GROUP_OWN, GROUP_SUMMED, GROUP_COUNT };

static enum group group_of(uint8_t label, const struct term *other, const struct term *result)
{
    if (find(other, label) < 0)
        return GROUP_OWN;
    return find(result, label) >= 0 ? GROUP_BATCH : GROUP_SUMMED;
}

/* The term as batch x own x summed, or batch x summed x own; its axes' letters in that order. */
static uint32_t as_matrices(struct compose *c, struct term *term, const struct term *other, const struct term *result,
                            bool summed_first, uint64_t sizes[GROUP_COUNT])
{
    const enum group orders[2][GROUP_COUNT] = {{GROUP_BATCH, GROUP_OWN, GROUP_SUMMED},
                                               {GROUP_BATCH, GROUP_SUMMED, GROUP_OWN}};
    struct lower_value x = compose_record(c, term->value);
    uint32_t permutation[GRAPH_RANK_MAX], count = 0;
    struct term sorted = {.value = term->value, .rank = term->rank};
    const struct term *leader = summed_first ? other : term; /* both sides list shared letters as the first does */
    uint64_t three[GROUP_COUNT];

    for (uint32_t g = 0; g < GROUP_COUNT; g++) {
        enum group group = orders[summed_first ? 1 : 0][g];
        const struct term *list = group == GROUP_OWN ? term : leader;

        sizes[group] = 1;
        for (uint32_t i = 0; i < list->rank; i++) {
            int32_t at = find(term, list->labels[i]);

            if (at < 0 || group_of(list->labels[i], other, result) != group)
                continue;
            permutation[count] = (uint32_t)at;
            sorted.labels[count++] = list->labels[i];
            sizes[group] *= c->code < 0 ? 1 : x.dims[at];
        }
        three[g] = sizes[group];
    }
    *term = sorted;
    return compose_reshape(c, compose_transpose(c, term->value, permutation), 3, three);
}

/* The value's axes in the order of the result's letters. */
static uint32_t order(struct compose *c, const struct term *term, const struct term *result)
{
    uint32_t permutation[GRAPH_RANK_MAX];

    if (c->code < 0 || term->rank != result->rank) {
        if (c->code == 0)
            (void)bad_equation(c);
        return GRAPH_NONE;
    }
    for (uint32_t i = 0; i < result->rank; i++) {
        int32_t at = find(term, result->labels[i]);

        if (at < 0) {
            (void)bad_equation(c);
            return GRAPH_NONE;
        }
        permutation[i] = (uint32_t)at;
    }
    return compose_transpose(c, term->value, permutation);
}

static uint32_t contract(struct compose *c, struct term *a, struct term *b, const struct term *result)
{
    struct lower_value left = compose_record(c, a->value), right = compose_record(c, b->value);
    uint64_t sizes_a[GROUP_COUNT], sizes_b[GROUP_COUNT], dims[2 * GRAPH_RANK_MAX];
    const struct term whole_a = *a, whole_b = *b;
    struct term product = {0};
    uint32_t x, y;

    for (uint32_t i = 0; i < a->rank && c->code == 0; i++)
        if (find(b, a->labels[i]) >= 0 && left.dims[i] != right.dims[find(b, a->labels[i])])
            (void)bad_equation(c);
    x = as_matrices(c, a, &whole_b, result, false, sizes_a);
    y = as_matrices(c, b, a, result, true, sizes_b);
    product.value = compose_matmul(c, x, y);
    for (uint32_t pass = 0; pass < 2; pass++) { /* batch and left axes, then right ones */
        const struct term *term = pass == 0 ? a : b;
        const struct term *whole = pass == 0 ? &whole_a : &whole_b;
        const struct lower_value *record = pass == 0 ? &left : &right;

        for (uint32_t i = 0; i < term->rank; i++) {
            enum group group = group_of(term->labels[i], pass == 0 ? &whole_b : &whole_a, result);

            if (group == GROUP_SUMMED || (pass == 1 && group == GROUP_BATCH))
                continue;
            if (product.rank == GRAPH_RANK_MAX) {
                (void)bad_equation(c);
                return GRAPH_NONE;
            }
            dims[product.rank] = record->dims[find(whole, term->labels[i])];
            product.labels[product.rank++] = term->labels[i];
        }
    }
    product.value = compose_reshape(c, product.value, product.rank, dims);
    return order(c, &product, result);
}

/* Without "->" the result has the letters that come once, in order; axes of "..." first. */
static void implied(const struct term *terms, uint32_t count, uint32_t dots, struct term *ret_result)
{
    struct term result = {0};

    for (uint32_t i = 0; i < dots && result.rank < GRAPH_RANK_MAX; i++)
        result.labels[result.rank++] = (uint8_t)(i + 1);
    for (unsigned label = 'A'; label <= 'z'; label++) {
        uint32_t seen = 0;

        for (uint32_t t = 0; t < count; t++)
            for (uint32_t i = 0; i < terms[t].rank; i++)
                seen += terms[t].labels[i] == label;
        if (seen == 1 && result.rank < GRAPH_RANK_MAX)
            result.labels[result.rank++] = (uint8_t)label;
    }
    *ret_result = result;
}

static struct span cut(struct span text, const uint8_t *end)
{
    return (struct span){text.data, end == NULL ? text.size : (size_t)(end - text.data)};
}

int lower_einsum(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct span equation = {0}, left, rest;
    struct term terms[2] = {{0}}, result = {0};
    uint32_t count = lower->node->input_count, dots = 0;
    const uint8_t *arrow;

    compose_check(&c, lower_attribute_text(lower, "equation", &equation));
    if (c.code == 0 && (equation.size == 0 || count > 2))
        return lower_unsupported(lower, "an equation of %u inputs; one and two are supported", count);
    if (c.code < 0)
        return c.code;
    arrow = memmem(equation.data, equation.size, "->", 2);
    left = cut(equation, arrow);
    for (uint32_t t = 0; t < count; t++) {
        const uint8_t *comma = left.size == 0 ? NULL : memchr(left.data, ',', left.size);

        if ((comma != NULL) != (t + 1 < count))
            return lower_bad(lower, "its equation has not as many terms as it has inputs");
        terms[t].value = compose_floats(&c, t);
        parse(&c, cut(left, comma), compose_record(&c, terms[t].value).rank, &dots, &terms[t]);
        if (comma != NULL)
            left = (struct span){comma + 1, left.size - (size_t)(comma + 1 - left.data)};
    }
    rest = arrow == NULL ? (struct span){0}
                         : (struct span){arrow + 2, equation.size - (size_t)(arrow + 2 - equation.data)};
    if (arrow != NULL)
        parse(&c, rest, 0, &dots, &result);
    else
        implied(terms, count, dots, &result);
    for (uint32_t t = 0; t < count; t++)
        take_diagonals(&c, &terms[t]);
    sum_alone(&c, &terms[0], count > 1 ? &terms[1] : NULL, &result);
    if (count == 1)
        return compose_end(&c, order(&c, &terms[0], &result));
    sum_alone(&c, &terms[1], &terms[0], &result);
    return compose_end(&c, contract(&c, &terms[0], &terms[1], &result));
}
