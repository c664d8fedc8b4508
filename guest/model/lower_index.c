/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of what picks elements by constant indices: GatherElements, GatherND, the Scatter operators and others. */
#include "guest/model/lower_index.h"

#include <errno.h>
#include <string.h>

int64_t *index_table(struct compose *c, uint64_t count)
{
    int64_t *table = NULL;

    if (c->code < 0)
        return NULL;
    if (count > INDEX_TABLE_MAX) {
        compose_check(c, lower_unsupported(c->lower, "%llu positions; up to %llu are possible",
                                           (unsigned long long)count, (unsigned long long)INDEX_TABLE_MAX));
        return NULL;
    }
    table = malloc((count + 1) * sizeof *table);
    if (table == NULL) {
        compose_check(c, error_set(c->lower->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model"));
        return NULL;
    }
    for (uint64_t i = 0; i < count; i++)
        table[i] = -1;
    return table;
}

void index_unravel(uint32_t rank, const uint64_t *dims, uint64_t i, uint64_t *ret_index)
{
    for (uint32_t axis = rank; axis > 0; axis--) {
        ret_index[axis - 1] = i % dims[axis - 1];
        i /= dims[axis - 1];
    }
}

uint64_t index_ravel(uint32_t rank, const uint64_t *dims, const uint64_t *index)
{
    uint64_t i = 0;

    for (uint32_t axis = 0; axis < rank; axis++)
        i = i * dims[axis] + index[axis];
    return i;
}

uint32_t index_pick(struct compose *c, uint32_t x, const int64_t *table, float fill, uint32_t rank,
                    const uint64_t *dims)
{
    struct lower_value record = compose_record(c, x);
    uint64_t count = dims_elements(rank, dims), blocks = rank > 0 ? dims[0] : 1, out, in;
    bool same = rank > 0 && record.rank > 0 && record.dims[0] == blocks && blocks > 0;

    if (c->code < 0)
        return GRAPH_NONE;
    out = same ? count / blocks : count;
    in = same ? record.elements / blocks : 0;
    for (uint64_t i = 0; same && i < out; i++)
        same = table[i] < 0 || (uint64_t)table[i] < in;
    for (uint64_t i = out; same && i < count; i++) {
        int64_t first = table[i % out];

        same = first < 0 ? table[i] < 0 : table[i] == first + (int64_t)(i / out * in);
    }
    return compose_pick(c, x, table, same ? out : count, fill, rank, dims);
}

const int64_t *index_list(struct compose *c, uint32_t input, struct lower_value *ret_record)
{
    uint32_t value = compose_input(c, input);
    const int64_t *indices = NULL;

    *ret_record = compose_record(c, value);
    if (c->code == 0 && !ret_record->constant)
        compose_check(c, lower_unsupported(c->lower, "its indices depend on the input's data; they must be constant"));
    else if (c->code == 0 && ret_record->type == ONNX_FLOAT)
        compose_check(c, lower_bad(c->lower, "its indices are floats"));
    else if (c->code == 0)
        compose_check(c, lower_integers(c->lower, value, &indices));
    return c->code < 0 ? NULL : indices;
}

uint64_t index_within(struct compose *c, int64_t index, uint64_t limit)
{
    if (index < -(int64_t)limit || index >= (int64_t)limit) {
        compose_check(c, lower_bad(c->lower, "index %lld is not within %llu", (long long)index,
                                   (unsigned long long)limit));
        return 0;
    }
    return (uint64_t)(index < 0 ? index + (int64_t)limit : index);
}

int lower_gather_elements(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0), axis = 0, y;
    struct lower_value record = compose_record(&c, x), indices;
    const int64_t *list = index_list(&c, 1, &indices);
    CLEANUP_FREE int64_t *table = index_table(&c, indices.elements);
    int64_t asked = 0;

    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "axis", 0, &asked));
    if (c.code == 0)
        compose_check(&c, lower_axis(lower, asked, record.rank, &axis));
    if (c.code == 0 && indices.rank != record.rank)
        return lower_bad(lower, "its indices are %s for %s", DIMS_TEXT(indices.rank, indices.dims),
                         DIMS_TEXT(record.rank, record.dims));
    for (uint32_t i = 0; c.code == 0 && i < record.rank; i++)
        if (i != axis && indices.dims[i] > record.dims[i])
            return lower_bad(lower, "its indices are %s for %s", DIMS_TEXT(indices.rank, indices.dims),
                             DIMS_TEXT(record.rank, record.dims));
    for (uint64_t i = 0; c.code == 0 && i < indices.elements; i++) {
        uint64_t at[GRAPH_RANK_MAX];

        index_unravel(indices.rank, indices.dims, i, at);
        at[axis] = index_within(&c, list[i], record.dims[axis]);
        table[i] = (int64_t)index_ravel(record.rank, record.dims, at);
    }
    y = index_pick(&c, x, table, 0, indices.rank, indices.dims);
    return compose_end(&c, y);
}

/* The position in `x` that a row of `depth` indices names, behind `batch` axes whose index is known. */
static uint64_t named(struct compose *c, const struct lower_value *x, const uint64_t *at, uint32_t batch,
                      const int64_t *row, uint64_t depth)
{
    uint64_t position = 0;

    for (uint32_t axis = 0; axis < x->rank; axis++) {
        uint64_t index = axis < batch           ? at[axis]
                         : axis - batch < depth ? index_within(c, row[axis - batch], x->dims[axis])
                                                : 0;

        position = position * x->dims[axis] + index;
    }
    return position;
}

int lower_gather_nd(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0), rank = 0, batch;
    struct lower_value record = compose_record(&c, x), indices;
    const int64_t *list = index_list(&c, 1, &indices);
    CLEANUP_FREE int64_t *table = NULL;
    uint64_t dims[2 * GRAPH_RANK_MAX], depth, rows, run, at[GRAPH_RANK_MAX];
    int64_t batches = 0;

    if (c.code == 0 && lower->model->opset >= 12)
        compose_check(&c, lower_attribute_int(lower, "batch_dims", 0, &batches));
    if (c.code < 0)
        return c.code;
    if (indices.rank == 0 || batches < 0 || batches >= (int64_t)indices.rank || batches >= (int64_t)record.rank ||
        indices.dims[indices.rank - 1] == 0 ||
        indices.dims[indices.rank - 1] > record.rank - (uint64_t)batches)
        return lower_bad(lower, "indices of %s into %s, %lld axes of them shared", DIMS_TEXT(indices.rank, indices.dims),
                         DIMS_TEXT(record.rank, record.dims), (long long)batches);
    batch = (uint32_t)batches;
    depth = indices.dims[indices.rank - 1];
    for (uint32_t i = 0; i < batch; i++)
        if (indices.dims[i] != record.dims[i])
            return lower_bad(lower, "axis %u of its indices and of its data differ", i);
    for (uint32_t i = 0; i + 1 < indices.rank; i++)
        dims[rank++] = indices.dims[i];
    for (uint32_t i = batch + (uint32_t)depth; i < record.rank; i++)
        dims[rank++] = record.dims[i];
    if (rank > GRAPH_RANK_MAX)
        return lower_unsupported(lower, "its result has more than %u dimensions", GRAPH_RANK_MAX);
    rows = indices.elements / depth;
    run = dims_elements(record.rank - batch - (uint32_t)depth, record.dims + batch + depth);
    table = index_table(&c, run == UINT64_MAX || dims_elements(rank, dims) == UINT64_MAX ? UINT64_MAX : rows * run);
    for (uint64_t i = 0; c.code == 0 && i < rows; i++) {
        uint64_t first;

        index_unravel(indices.rank - 1, indices.dims, i, at);
        first = named(&c, &record, at, batch, list + i * depth, depth);
        for (uint64_t k = 0; k < run; k++)
            table[i * run + k] = (int64_t)(first + k);
    }
    return compose_end(&c, index_pick(&c, x, table, 0, rank, dims));
}

/* --- scattering ------------------------------------------------------------------------------------------------------- */

struct scatter {
    uint32_t data, updates;
    struct lower_value record, changes;
    int64_t *target; /* of each element of the updates, in the data; owned by the caller */
    struct span reduction;
};

static uint32_t truth_constant(struct compose *c, const int64_t *truths, uint32_t rank, const uint64_t *dims)
{
    uint32_t value = GRAPH_NONE;

    if (c->code == 0)
        compose_check(c, lower_constant_value(c->lower, ONNX_BOOL, truths, rank, dims, &value));
    return c->code < 0 ? GRAPH_NONE : value;
}

/*
 * The data with the updates put in, added or multiplied. Each round takes those updates that are the next for
 * their element: without a reduction the last one wins, so that one round is enough.
 */
static uint32_t scatter_all(struct compose *c, const struct scatter *s)
{
    bool adds = span_equal(s->reduction, "add"), multiplies = span_equal(s->reduction, "mul");
    CLEANUP_FREE int64_t *table = index_table(c, s->record.elements), *truths = index_table(c, s->record.elements);
    uint64_t left = s->changes.elements;
    uint32_t y = s->data, taken, rounds = 0;

    if (c->code < 0)
        return GRAPH_NONE;
    if (s->reduction.size > 0 && !adds && !multiplies && !span_equal(s->reduction, "none")) {
        compose_check(c, lower_unsupported(c->lower, "reduction '%s' is not supported", SPAN_TEXT(s->reduction)));
        return GRAPH_NONE;
    }
    while (left > 0 && c->code == 0) {
        if (rounds++ == GRAPH_INPUTS_MAX)
            compose_check(c, lower_unsupported(c->lower, "more than %u updates of one element", GRAPH_INPUTS_MAX));
        for (uint64_t i = 0; i < s->record.elements; i++)
            table[i] = -1;
        for (uint64_t i = 0; i < s->changes.elements; i++) {
            int64_t at = s->target[i];

            if (at < 0 || ((adds || multiplies) && table[at] >= 0))
                continue;
            table[at] = (int64_t)i;
            s->target[i] = -1;
            left--;
        }
        taken = index_pick(c, s->updates, table, multiplies ? 1.0f : 0.0f, s->record.rank, s->record.dims);
        for (uint64_t i = 0; i < s->record.elements; i++)
            truths[i] = table[i] >= 0;
        y = adds         ? compose_add(c, y, taken)
            : multiplies ? compose_mul(c, y, taken)
                         : compose_where(c, truth_constant(c, truths, s->record.rank, s->record.dims), taken, y);
    }
    return y;
}

static void take_scatter(struct compose *c, struct scatter *s)
{
    s->data = compose_input(c, 0);
    s->updates = compose_input(c, 2);
    s->record = compose_record(c, s->data);
    s->changes = compose_record(c, s->updates);
    if (c->code == 0 && s->record.type != s->changes.type)
        compose_check(c, lower_bad(c->lower, "its data are of %s, its updates of %s", onnx_type_name(s->record.type),
                                   onnx_type_name(s->changes.type)));
    if (c->code == 0 && c->lower->model->opset >= 16)
        compose_check(c, lower_attribute_text(c->lower, "reduction", &s->reduction));
    s->target = index_table(c, s->changes.elements);
}

int lower_scatter_elements(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct scatter s = {0};
    CLEANUP_FREE int64_t *target = NULL;
    struct lower_value indices;
    const int64_t *list;
    int64_t asked = 0;
    uint32_t axis = 0;

    take_scatter(&c, &s);
    target = s.target;
    list = index_list(&c, 1, &indices);
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "axis", 0, &asked));
    if (c.code == 0)
        compose_check(&c, lower_axis(lower, asked, s.record.rank, &axis));
    if (c.code < 0)
        return c.code;
    if (indices.rank != s.record.rank || s.changes.rank != indices.rank ||
        memcmp(indices.dims, s.changes.dims, indices.rank * sizeof *indices.dims) != 0)
        return lower_bad(lower, "indices of %s, updates of %s and data of %s", DIMS_TEXT(indices.rank, indices.dims),
                         DIMS_TEXT(s.changes.rank, s.changes.dims), DIMS_TEXT(s.record.rank, s.record.dims));
    for (uint32_t i = 0; i < indices.rank; i++)
        if (i != axis && indices.dims[i] > s.record.dims[i])
            return lower_bad(lower, "axis %u of its indices is longer than of its data", i);
    for (uint64_t i = 0; c.code == 0 && i < indices.elements; i++) {
        uint64_t at[GRAPH_RANK_MAX];

        index_unravel(indices.rank, indices.dims, i, at);
        at[axis] = index_within(&c, list[i], s.record.dims[axis]);
        target[i] = (int64_t)index_ravel(s.record.rank, s.record.dims, at);
    }
    return compose_end(&c, scatter_all(&c, &s));
}

int lower_scatter_nd(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct scatter s = {0};
    CLEANUP_FREE int64_t *target = NULL;
    struct lower_value indices;
    const int64_t *list;
    uint64_t depth, run;

    take_scatter(&c, &s);
    target = s.target;
    list = index_list(&c, 1, &indices);
    if (c.code < 0)
        return c.code;
    depth = indices.rank == 0 ? 0 : indices.dims[indices.rank - 1];
    if (depth == 0 || depth > s.record.rank)
        return lower_bad(lower, "indices of %s into %s", DIMS_TEXT(indices.rank, indices.dims),
                         DIMS_TEXT(s.record.rank, s.record.dims));
    run = dims_elements(s.record.rank - (uint32_t)depth, s.record.dims + depth);
    if (indices.elements / depth > INDEX_TABLE_MAX || s.changes.elements != indices.elements / depth * run)
        return lower_bad(lower, "%s updates for indices of %s", DIMS_TEXT(s.changes.rank, s.changes.dims),
                         DIMS_TEXT(indices.rank, indices.dims));
    for (uint64_t i = 0; c.code == 0 && i < indices.elements / depth; i++) {
        uint64_t first = named(&c, &s.record, NULL, 0, list + i * depth, depth);

        for (uint64_t k = 0; k < run; k++)
            target[i * run + k] = (int64_t)(first + k);
    }
    return compose_end(&c, scatter_all(&c, &s));
}
