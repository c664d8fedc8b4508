/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemm: y = alpha·(op(A)·op(B)) + beta·C.
 *
 * Order of one output: the product as kernel_gemm adds it (k ascending), times alpha rounded, then
 * plus beta·C, each rounded. The gradient of A is (dy·op(B)ᵀ as kernel_gemm adds it)·alpha; that of C,
 * where broadcast, 0 plus its terms in the output's row-major order, times beta.
 * A constant B is packed once for either pass.
 */
#include "guest/engine/op_states.h"
#include "guest/engine/ops.h"

#include <errno.h>
#include <string.h>

static void release(struct op_node *op)
{
    struct gemm_state *state = op->state;

    if (state != NULL) {
        free(state->forward);
        free(state->backward);
    }
    free(state);
}

static int check_c(const struct op_node *op, struct gemm_state *state, struct error *err)
{
    const struct graph_value *c = op_input(op, 2);
    size_t rows, columns;

    if (c == NULL)
        return 0;
    rows = c->rank == 2 ? c->dims[0] : 1;
    columns = c->rank == 0 ? 1 : c->dims[c->rank - 1];
    if (c->rank > 2 || (rows != 1 && rows != state->m) || (columns != 1 && columns != state->n))
        return op_refuse(op, err, "C doesn't broadcast to the output");
    state->c_row = rows == 1 ? 0 : columns;
    state->c_column = columns == 1 ? 0 : 1;
    return 0;
}

static int check(const struct op_node *op, struct gemm_state *state, struct error *err)
{
    const struct graph_attributes *attributes = &op->node->attributes;
    const struct graph_value *a = op_input(op, 0);
    const struct graph_value *b = op_input(op, 1);
    const struct graph_value *y = op_output(op);

    if (a == NULL || b == NULL || op->node->input_count > 3 || a->rank != 2 || b->rank != 2 || y->rank != 2)
        return op_refuse(op, err, "must have two matrices and give one");
    state->m = a->dims[attributes->transposed_a ? 1 : 0];
    state->k = a->dims[attributes->transposed_a ? 0 : 1];
    state->n = b->dims[attributes->transposed_b ? 0 : 1];
    if (b->dims[attributes->transposed_b ? 1 : 0] != state->k || y->dims[0] != state->m || y->dims[1] != state->n)
        return op_refuse(op, err, "the matrices' shapes don't fit");
    return check_c(op, state, err);
}

/* y = op(A)·op(B), before alpha and C, for so many rows of A. */
static struct kernel_gemm forward_product(const struct op_node *op, size_t rows)
{
    const struct gemm_state *state = op->state;
    const struct graph_attributes *attributes = &op->node->attributes;

    return (struct kernel_gemm){.m = rows,
                                .n = state->n,
                                .k = state->k,
                                .lda = attributes->transposed_a ? state->m : state->k,
                                .ldb = attributes->transposed_b ? state->k : state->n,
                                .ldc = state->n,
                                .transposed_a = attributes->transposed_a,
                                .transposed_b = attributes->transposed_b};
}

/* dA = dy·op(B)ᵀ where A is not transposed, dA = op(B)·dyᵀ where it is. */
static struct kernel_gemm backward_product(const struct op_node *op, size_t rows)
{
    const struct gemm_state *state = op->state;
    const struct graph_attributes *attributes = &op->node->attributes;
    size_t ldb = attributes->transposed_b ? state->k : state->n;

    if (!attributes->transposed_a)
        return (struct kernel_gemm){.m = rows,
                                    .n = state->k,
                                    .k = state->n,
                                    .lda = state->n,
                                    .ldb = ldb,
                                    .ldc = state->k,
                                    .transposed_b = !attributes->transposed_b};
    return (struct kernel_gemm){.m = state->k,
                                .n = state->m,
                                .k = state->n,
                                .lda = ldb,
                                .ldb = state->n,
                                .ldc = state->m,
                                .transposed_a = attributes->transposed_b,
                                .transposed_b = true};
}

static void take_scratch(struct op_node *op, size_t floats)
{
    if (floats > op->kernel_scratch)
        op->kernel_scratch = floats;
}

/* Packs a constant B. */
static int pack(struct op_node *op, const struct kernel_gemm *gemm, float **ret_packed, struct error *err)
{
    *ret_packed = op_allocate_floats(op, kernel_gemm_packed_size(gemm));
    if (*ret_packed == NULL)
        return op_no_memory(op, err);
    kernel_gemm_pack(op->kernels, gemm, op_input(op, 1)->constant, *ret_packed);
    take_scratch(op, kernel_gemm_packed_scratch(op->kernels, gemm));
    return 0;
}

static int prepare(struct op_node *op, struct gemm_state *state, struct error *err)
{
    const struct kernel_gemm forward = forward_product(op, state->m), backward = backward_product(op, state->m);
    int ret;

    take_scratch(op, kernel_gemm_scratch(op->kernels, &backward));
    if (op_input(op, 1)->constant == NULL) {
        take_scratch(op, kernel_gemm_scratch(op->kernels, &forward));
        return 0;
    }
    ret = pack(op, &forward, &state->forward, err);
    if (ret == 0 && op->gradient && !op->node->attributes.transposed_a)
        ret = pack(op, &backward, &state->backward, err);
    return ret;
}

static int plan(struct op_node *op, struct error *err)
{
    struct gemm_state *state = op_allocate_state(op, sizeof(*state));
    int ret;

    if (state == NULL)
        return op_no_memory(op, err);
    ret = check(op, state, err);
    return ret < 0 ? ret : prepare(op, state, err);
}

static int forward(const struct op_run *run)
{
    const struct gemm_state *state = run->op->state;
    const struct graph_attributes *attributes = &run->op->node->attributes;
    const float *c = run->op->node->input_count > 2 ? run->inputs[2] : NULL;
    size_t rows = op_part(run, state->m);
    const struct kernel_gemm gemm = forward_product(run->op, rows);
    int ret;

    if (state->forward != NULL)
        ret = kernel_gemm_packed(run->op->kernels, &gemm, run->inputs[0], state->forward, run->output);
    else
        ret = kernel_gemm(run->op->kernels, &gemm, run->inputs[0], run->inputs[1], run->output);
    if (ret < 0)
        return ret;
    for (size_t i = 0; i < rows; i++) {
        float *y = run->output + i * state->n;

        for (size_t j = 0; j < state->n; j++)
            y[j] = attributes->alpha * y[j];
        for (size_t j = 0; c != NULL && j < state->n; j++)
            y[j] = y[j] + attributes->beta * c[i * state->c_row + j * state->c_column];
        for (size_t j = 0; run->finish.relu && j < state->n; j++)
            y[j] = y[j] <= 0.0f ? 0.0f : y[j];
    }
    return 0;
}

static void scale(float *x, size_t count, float factor)
{
    for (size_t i = 0; i < count; i++)
        x[i] = factor * x[i];
}

static int backward_a(const struct op_run *run, const float *dy, float *ret_da)
{
    const struct gemm_state *state = run->op->state;
    const struct graph_attributes *attributes = &run->op->node->attributes;
    size_t rows = op_part(run, state->m);
    const struct kernel_gemm gemm = backward_product(run->op, rows);
    int ret;

    if (state->backward != NULL)
        ret = kernel_gemm_packed(run->op->kernels, &gemm, dy, state->backward, ret_da);
    else if (attributes->transposed_a)
        ret = kernel_gemm(run->op->kernels, &gemm, run->inputs[1], dy, ret_da);
    else
        ret = kernel_gemm(run->op->kernels, &gemm, dy, run->inputs[1], ret_da);
    if (ret == 0)
        scale(ret_da, rows * state->k, attributes->alpha);
    return ret;
}

/* B computed: the graph can't be run for fewer samples than its batch then. */
static int backward_b(const struct op_run *run, const float *dy, float *ret_db)
{
    const struct gemm_state *state = run->op->state;
    const struct graph_attributes *attributes = &run->op->node->attributes;
    size_t lda = attributes->transposed_a ? state->m : state->k;
    struct kernel_gemm gemm;
    int ret;

    if (!attributes->transposed_b) {
        gemm = (struct kernel_gemm){.m = state->k,
                                    .n = state->n,
                                    .k = state->m,
                                    .lda = lda,
                                    .ldb = state->n,
                                    .ldc = state->n,
                                    .transposed_a = !attributes->transposed_a};
        ret = kernel_gemm(run->op->kernels, &gemm, run->inputs[0], dy, ret_db);
    } else {
        gemm = (struct kernel_gemm){.m = state->n,
                                    .n = state->k,
                                    .k = state->m,
                                    .lda = state->n,
                                    .ldb = lda,
                                    .ldc = state->k,
                                    .transposed_a = true,
                                    .transposed_b = attributes->transposed_a};
        ret = kernel_gemm(run->op->kernels, &gemm, dy, run->inputs[0], ret_db);
    }
    if (ret == 0)
        scale(ret_db, state->k * state->n, attributes->alpha);
    return ret;
}

static void backward_c(const struct op_run *run, const float *dy, float *ret_dc)
{
    const struct gemm_state *state = run->op->state;
    size_t count = op_part(run, op_input(run->op, 2)->elements);
    size_t rows = op_part(run, state->m);

    memset(ret_dc, 0, count * sizeof(float));
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < state->n; j++)
            ret_dc[i * state->c_row + j * state->c_column] += dy[i * state->n + j];
    scale(ret_dc, count, run->op->node->attributes.beta);
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    if (input == 0)
        return backward_a(run, dy, ret_dx);
    if (input == 1)
        return backward_b(run, dy, ret_dx);
    backward_c(run, dy, ret_dx);
    return 0;
}

/* C's gradient reads no other input; that A and B are kept for it too costs a little memory only. */
const struct op op_gemm = {.needs = {OP_NEEDS_OTHERS, OP_NEEDS_OTHERS},
                           .finishes = OP_FINISHES_RELU,
                           .plan = plan,
                           .forward = forward,
                           .backward = backward,
                           .release = release};
