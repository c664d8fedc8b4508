/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of what repeats, cuts and rearranges: Expand, Tile, Split, DepthToSpace, Trilu and others. */
#include "guest/model/lower_index.h"

#include <errno.h>
#include <string.h>

/* A shape at an input, within the limits. */
static const int64_t *take_shape(struct compose *c, uint32_t input, uint64_t *ret_count)
{
    const int64_t *shape = NULL;

    if (c->code == 0)
        compose_check(c, lower_list(c->lower, input, &shape, ret_count));
    if (c->code == 0 && shape == NULL)
        compose_check(c, lower_bad(c->lower, "its input %u is missing", input));
    if (c->code == 0 && *ret_count > GRAPH_RANK_MAX)
        compose_check(c, lower_unsupported(c->lower, "%llu dimensions; the limit is %u",
                                           (unsigned long long)*ret_count, GRAPH_RANK_MAX));
    for (uint64_t i = 0; c->code == 0 && i < *ret_count; i++)
        if (shape[i] < 0 || shape[i] > (int64_t)MODEL_DIM_MAX)
            compose_check(c, lower_bad(c->lower, "its input %u holds %lld", input, (long long)shape[i]));
    return c->code < 0 ? NULL : shape;
}

int lower_expand(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0), rank = 0;
    struct lower_value record = compose_record(&c, x);
    uint64_t count = 0, asked[GRAPH_RANK_MAX], dims[GRAPH_RANK_MAX];
    const int64_t *shape = take_shape(&c, 1, &count);

    for (uint64_t i = 0; c.code == 0 && i < count; i++)
        asked[i] = (uint64_t)shape[i];
    if (c.code == 0 && (!dims_broadcast(record.rank, record.dims, (uint32_t)count, asked, &rank, dims) ||
                        dims_elements(rank, dims) == UINT64_MAX))
        return lower_bad(lower, "%s can't be expanded to %s", DIMS_TEXT(record.rank, record.dims),
                         DIMS_TEXT((uint32_t)count, asked));
    return compose_end(&c, compose_expand(&c, x, rank, dims));
}

int lower_tile(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0);
    struct lower_value record = compose_record(&c, x);
    uint64_t count = 0;
    const int64_t *repeats = take_shape(&c, 1, &count);

    if (c.code == 0 && count != record.rank)
        return lower_bad(lower, "%llu repeats for %u dimensions", (unsigned long long)count, record.rank);
    for (uint32_t axis = 0; c.code == 0 && axis < record.rank; axis++) {
        uint64_t size = record.dims[axis], length;
        CLEANUP_FREE int64_t *indices = NULL;

        if (repeats[axis] == 1)
            continue;
        if (__builtin_mul_overflow(size, (uint64_t)repeats[axis], &length))
            length = UINT64_MAX;
        indices = index_table(&c, length);
        for (uint64_t i = 0; c.code == 0 && i < length; i++)
            indices[i] = (int64_t)(i % size);
        x = compose_gather(&c, x, axis, indices, length);
    }
    return compose_end(&c, x);
}

/* The sizes of the parts: attribute or input split, else equal ones (the last smaller is of operator set 18). */
static const int64_t *take_split(struct compose *c, uint64_t length, int64_t *room)
{
    struct lower *lower = c->lower;
    uint32_t parts = lower->node->output_count, listed = 0;
    const int64_t *sizes = NULL;
    uint64_t count = 0, total = 0;

    if (c->code < 0)
        return NULL;
    if (lower->model->opset < 13) {
        compose_check(c, lower_attribute_ints(lower, "split", &sizes, &listed));
        count = listed;
    } else {
        compose_check(c, lower_list(lower, 1, &sizes, &count));
    }
    if (c->code < 0)
        return NULL;
    if (sizes == NULL) {
        if (length % parts != 0)
            compose_check(c, lower_bad(lower, "%llu elements can't be split into %u equal parts",
                                       (unsigned long long)length, parts));
        for (uint32_t i = 0; i < parts; i++)
            room[i] = (int64_t)(length / parts);
        return room;
    }
    for (uint64_t i = 0; i < count; i++)
        total = sizes[i] < 0 || sizes[i] > (int64_t)MODEL_DIM_MAX ? UINT64_MAX / 2 : total + (uint64_t)sizes[i];
    if (count != parts || total != length)
        compose_check(c, lower_bad(lower, "%llu sizes for %u parts of %llu elements", (unsigned long long)count, parts,
                                   (unsigned long long)length));
    return sizes;
}

int lower_split(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0), axis = 0, first = GRAPH_NONE;
    struct lower_value record = compose_record(&c, x);
    int64_t asked = 0, start = 0, room[MODEL_NODE_OUTPUTS_MAX];
    const int64_t *sizes;

    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "axis", 0, &asked));
    if (c.code == 0)
        compose_check(&c, lower_axis(lower, asked, record.rank, &axis));
    sizes = take_split(&c, record.dims[axis], room);
    for (uint32_t k = 0; c.code == 0 && k < lower->node->output_count; k++) {
        uint32_t part = compose_slice(&c, x, axis, start, (uint64_t)sizes[k], 1);

        start += sizes[k];
        first = k == 0 ? part : first;
        compose_output(&c, k, part);
    }
    return compose_end(&c, first);
}

/* Axes of batch x channels x height x width as six, in another order, as four. */
static uint32_t regroup(struct compose *c, uint32_t x, const uint64_t *six, const uint32_t *order, const uint64_t *four)
{
    return compose_reshape(c, compose_transpose(c, compose_reshape(c, x, 6, six), order), 4, four);
}

static uint64_t take_blocks(struct compose *c, const struct lower_value *x)
{
    int64_t size = 0;

    if (c->code == 0)
        compose_check(c, lower_attribute_int(c->lower, "blocksize", 0, &size));
    if (c->code == 0 && (x->rank != 4 || size < 1 || size > (int64_t)UINT16_MAX))
        compose_check(c, lower_bad(c->lower, "blocks of %lld of %s", (long long)size, DIMS_TEXT(x->rank, x->dims)));
    return c->code < 0 ? 1 : (uint64_t)size;
}

int lower_depth_to_space(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0);
    struct lower_value record = compose_record(&c, x);
    uint64_t block = take_blocks(&c, &record), channels, *dims = record.dims;
    struct span mode = {0};

    if (c.code == 0 && lower->model->opset >= 11)
        compose_check(&c, lower_attribute_text(lower, "mode", &mode));
    if (c.code < 0)
        return c.code;
    if (dims[1] % (block * block) != 0)
        return lower_bad(lower, "%llu channels don't make blocks of %llu", (unsigned long long)dims[1],
                         (unsigned long long)block);
    channels = dims[1] / (block * block);
    if (span_equal(mode, "CRD"))
        return compose_end(
            &c, regroup(&c, x, (uint64_t[]){dims[0], channels, block, block, dims[2], dims[3]},
                        (uint32_t[]){0, 1, 4, 2, 5, 3},
                        (uint64_t[]){dims[0], channels, dims[2] * block, dims[3] * block}));
    if (mode.size > 0 && !span_equal(mode, "DCR"))
        return lower_bad(lower, "mode '%s' is not known", SPAN_TEXT(mode));
    return compose_end(&c, regroup(&c, x, (uint64_t[]){dims[0], block, block, channels, dims[2], dims[3]},
                                   (uint32_t[]){0, 3, 4, 1, 5, 2},
                                   (uint64_t[]){dims[0], channels, dims[2] * block, dims[3] * block}));
}

int lower_space_to_depth(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0);
    struct lower_value record = compose_record(&c, x);
    uint64_t block = take_blocks(&c, &record), *dims = record.dims;

    if (c.code < 0)
        return c.code;
    if (dims[2] % block != 0 || dims[3] % block != 0)
        return lower_bad(lower, "%s does not divide into blocks of %llu", DIMS_TEXT(record.rank, dims),
                         (unsigned long long)block);
    return compose_end(&c,
                       regroup(&c, x, (uint64_t[]){dims[0], dims[1], dims[2] / block, block, dims[3] / block, block},
                               (uint32_t[]){0, 3, 5, 1, 2, 4},
                               (uint64_t[]){dims[0], dims[1] * block * block, dims[2] / block, dims[3] / block}));
}

/* A zero of the value's type. */
static uint32_t zero_like(struct compose *c, const struct lower_value *x)
{
    uint32_t value = GRAPH_NONE;

    if (x->type == ONNX_FLOAT)
        return compose_number(c, 0);
    if (c->code == 0)
        compose_check(c, lower_constant_value(c->lower, x->type, &(int64_t){0}, 0, NULL, &value));
    return c->code < 0 ? GRAPH_NONE : value;
}

int lower_trilu(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0), mask = GRAPH_NONE;
    struct lower_value record = compose_record(&c, x);
    uint64_t rows = record.rank < 2 ? 0 : record.dims[record.rank - 2], columns;
    CLEANUP_FREE int64_t *kept = NULL;
    int64_t upper = 1;
    double k = 0;

    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "upper", 1, &upper));
    if (c.code == 0)
        compose_check(&c, lower_scalar(lower, 1, 0, &k));
    if (c.code == 0 && record.rank < 2)
        return lower_bad(lower, "its input is %s; matrices are needed", DIMS_TEXT(record.rank, record.dims));
    columns = record.rank < 2 ? 0 : record.dims[record.rank - 1];
    kept = index_table(&c, columns > INDEX_TABLE_MAX || rows > INDEX_TABLE_MAX ? UINT64_MAX : rows * columns);
    for (uint64_t i = 0; c.code == 0 && i < rows * columns; i++) {
        double off = (double)(i % columns) - (double)(i / columns) - k;

        kept[i] = upper != 0 ? off >= 0 : off <= 0;
    }
    if (c.code == 0)
        compose_check(&c, lower_constant_value(lower, ONNX_BOOL, kept, 2, (uint64_t[]){rows, columns}, &mask));
    return compose_end(&c, compose_where(&c, mask, x, zero_like(&c, &record)));
}

int lower_compress(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0), axis = 0;
    struct lower_value record = compose_record(&c, x), condition;
    const int64_t *truths = index_list(&c, 1, &condition);
    CLEANUP_FREE int64_t *indices = index_table(&c, condition.elements);
    uint64_t kept = 0;
    int64_t asked = 0;

    if (c.code < 0)
        return c.code;
    if (lower_attribute(lower, "axis") == NULL) {
        x = compose_reshape(&c, x, 1, &record.elements);
        record = compose_record(&c, x);
    }
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "axis", 0, &asked));
    if (c.code == 0)
        compose_check(&c, lower_axis(lower, asked, record.rank, &axis));
    if (c.code < 0)
        return c.code;
    if (condition.rank != 1 || condition.elements > record.dims[axis])
        return lower_bad(lower, "a condition of %s for %llu elements", DIMS_TEXT(condition.rank, condition.dims),
                         (unsigned long long)record.dims[axis]);
    for (uint64_t i = 0; i < condition.elements; i++)
        if (truths[i] != 0)
            indices[kept++] = (int64_t)i;
    return compose_end(&c, compose_gather(&c, x, axis, indices, kept));
}

int lower_reverse_sequence(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0);
    struct lower_value record = compose_record(&c, x), given;
    const int64_t *lengths = index_list(&c, 1, &given);
    CLEANUP_FREE int64_t *table = index_table(&c, record.elements);
    int64_t batch = 1, time = 0;
    uint64_t at[GRAPH_RANK_MAX];

    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "batch_axis", 1, &batch));
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "time_axis", 0, &time));
    if (c.code < 0)
        return c.code;
    if (record.rank < 2 || batch < 0 || batch > 1 || time < 0 || time > 1 || batch == time || given.rank != 1 ||
        given.elements != record.dims[batch])
        return lower_bad(lower, "batch axis %lld, time axis %lld, %llu lengths", (long long)batch, (long long)time,
                         (unsigned long long)given.elements);
    for (uint64_t i = 0; i < record.elements; i++) {
        int64_t length;

        index_unravel(record.rank, record.dims, i, at);
        length = lengths[at[batch]];
        if (length < 1 || length > (int64_t)record.dims[time])
            return lower_bad(lower, "a length of %lld", (long long)length);
        if (at[time] < (uint64_t)length)
            at[time] = (uint64_t)length - 1 - at[time];
        table[i] = (int64_t)index_ravel(record.rank, record.dims, at);
    }
    return compose_end(&c, index_pick(&c, x, table, 0, record.rank, record.dims));
}
