/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of products with matrices, and of batch normalisation. */
#include "guest/model/lower.h"

#include <string.h>

int lower_gemm(struct lower *lower)
{
    struct graph_attributes attributes = {0};
    struct lower_value a, b, c;
    int64_t transposed_a = 0, transposed_b = 0;
    uint32_t inputs[3] = {GRAPH_NONE, GRAPH_NONE, GRAPH_NONE}, rank = 0;
    uint64_t dims[GRAPH_RANK_MAX], all[GRAPH_RANK_MAX], depth;
    int r = lower_data(lower, 0, &inputs[0], &a);

    if (r == 0)
        r = lower_data(lower, 1, &inputs[1], &b);
    if (r == 0)
        r = lower_attribute_int(lower, "transA", 0, &transposed_a);
    if (r == 0)
        r = lower_attribute_int(lower, "transB", 0, &transposed_b);
    if (r == 0)
        r = lower_attribute_float(lower, "alpha", 1, &attributes.alpha);
    if (r == 0)
        r = lower_attribute_float(lower, "beta", 1, &attributes.beta);
    if (r < 0)
        return r;
    if (lower->model->opset < 7)
        (void)lower_attribute(lower, "broadcast"); /* C is broadcast where it has to be */
    attributes.transposed_a = transposed_a != 0;
    attributes.transposed_b = transposed_b != 0;
    if (a.rank != 2 || b.rank != 2)
        return lower_bad(lower, "%s and %s; both must be matrices", DIMS_TEXT(a.rank, a.dims),
                         DIMS_TEXT(b.rank, b.dims));
    dims[0] = a.dims[transposed_a != 0 ? 1 : 0];
    dims[1] = b.dims[transposed_b != 0 ? 0 : 1];
    depth = a.dims[transposed_a != 0 ? 0 : 1];
    if (depth != b.dims[transposed_b != 0 ? 1 : 0])
        return lower_bad(lower, "%s%s by %s%s: the inner dimensions differ", DIMS_TEXT(a.rank, a.dims),
                         transposed_a != 0 ? " transposed" : "", DIMS_TEXT(b.rank, b.dims),
                         transposed_b != 0 ? " transposed" : "");
    if (lower_input(lower, 2) != GRAPH_NONE) {
        r = lower_data(lower, 2, &inputs[2], &c);
        if (r < 0)
            return r;
        if (!dims_broadcast(2, dims, c.rank, c.dims, &rank, all) || rank != 2 ||
            memcmp(all, dims, 2 * sizeof *dims) != 0)
            return lower_bad(lower, "C is %s, the product is %s", DIMS_TEXT(c.rank, c.dims), DIMS_TEXT(2, dims));
    }
    return lower_emit(lower, GRAPH_GEMM, inputs, 3, &attributes, 2, dims, &lower->result);
}

int lower_matmul(struct lower *lower)
{
    struct lower_value a, b;
    uint32_t inputs[2], rank, kept = 0;
    uint64_t dims[GRAPH_RANK_MAX], shape[GRAPH_RANK_MAX];
    bool row = false, column = false;
    int r = lower_data(lower, 0, &inputs[0], &a);

    if (r == 0)
        r = lower_data(lower, 1, &inputs[1], &b);
    if (r < 0)
        return r;
    if (a.rank == 0 || b.rank == 0)
        return lower_bad(lower, "a scalar can't be multiplied as a matrix");
    if (a.rank == 1) { /* numpy: a vector is a row on the left, a column on the right */
        row = true;
        r = lower_reshape(lower, inputs[0], 2, (uint64_t[]){1, a.dims[0]}, &inputs[0]);
    }
    if (r == 0 && b.rank == 1) {
        column = true;
        r = lower_reshape(lower, inputs[1], 2, (uint64_t[]){b.dims[0], 1}, &inputs[1]);
    }
    if (r < 0)
        return r;
    a = lower->values[inputs[0]];
    b = lower->values[inputs[1]];
    if (a.dims[a.rank - 1] != b.dims[b.rank - 2] ||
        !dims_broadcast(a.rank - 2, a.dims, b.rank - 2, b.dims, &rank, dims))
        return lower_bad(lower, "%s can't be multiplied by %s", DIMS_TEXT(a.rank, a.dims), DIMS_TEXT(b.rank, b.dims));
    dims[rank++] = a.dims[a.rank - 2];
    dims[rank++] = b.dims[b.rank - 1];
    r = lower_emit(lower, GRAPH_MATMUL, inputs, 2, NULL, rank, dims, &lower->result);
    if (r < 0 || (!row && !column))
        return r;
    /* The axes that were added go: the row's is the last but one, the column's the last. */
    for (uint32_t i = 0; i < rank; i++)
        if (!(row && i == rank - 2) && !(column && i == rank - 1))
            shape[kept++] = dims[i];
    return lower_reshape(lower, lower->result, kept, shape, &lower->result);
}

int lower_batch_norm(struct lower *lower)
{
    struct graph_attributes attributes = {0};
    struct lower_value x, parameter;
    int64_t spatial = 1, training = 0, testing = 1;
    uint32_t inputs[5];
    int r = lower_data(lower, 0, &inputs[0], &x);

    if (r == 0)
        r = lower_attribute_float(lower, "epsilon", 1e-5f, &attributes.epsilon);
    if (r == 0 && lower->model->opset < 9)
        r = lower_attribute_int(lower, "spatial", 1, &spatial);
    if (r == 0 && lower->model->opset >= 14)
        r = lower_attribute_int(lower, "training_mode", 0, &training);
    if (r == 0 && lower->model->opset < 7)
        r = lower_attribute_int(lower, "is_test", 0, &testing);
    if (r < 0)
        return r;
    training = training != 0 || testing == 0;
    (void)lower_attribute(lower, "momentum"); /* of training only */
    if (spatial != 1)
        return lower_unsupported(lower, "spatial = 0, statistics a pixel, is not supported");
    if (training != 0)
        return lower_unsupported(lower, "it is in training mode; export the model for inference");
    if (x.rank < 2)
        return lower_bad(lower, "its input is %s; batch x channels is needed at least", DIMS_TEXT(x.rank, x.dims));
    for (uint32_t i = 1; i < 5; i++) {
        r = lower_parameter(lower, i, 1, &inputs[i], &parameter);
        if (r < 0)
            return r;
        if (parameter.dims[0] != x.dims[1])
            return lower_bad(lower, "its input %u has %llu elements for %llu channels", i,
                             (unsigned long long)parameter.dims[0], (unsigned long long)x.dims[1]);
    }
    return lower_emit(lower, GRAPH_BATCH_NORM, inputs, 5, &attributes, x.rank, x.dims, &lower->result);
}
