/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MatMul with numpy's rules: vectors become matrices, leading axes broadcast.
 *
 * Each product adds as kernel_gemm does (k ascending). The gradient of an operand that several
 * products read is the first's, plus each further one in the output's row-major order. Where the right
 * operand is one matrix, all rows of the left one form one product; its gradient then is one sum over
 * all those rows in order.
 */
#include "guest/engine/ops.h"
#include "guest/engine/walk.h"

#include <errno.h>
#include <string.h>

struct matmul_state {
    size_t m, n, k;
    bool one_b;              /* the right operand is one matrix: m counts all rows of the left one */
    struct walk walk;        /* over the leading axes and a last axis of 1; tensors a, b, y in matrices */
    const float *b_backward; /* n × k of a constant sole B, or NULL */
    float *transposed;       /* owned */
};

static void release(struct op_node *op)
{
    struct matmul_state *state = op->state;

    if (state != NULL)
        free(state->transposed);
    free(state);
}

/* The leading axes of an operand as a value of matrices, each one element. */
static struct graph_value leading(const struct graph_value *value, uint32_t matrix_axes)
{
    struct graph_value result = {.rank = value->rank > matrix_axes ? value->rank - matrix_axes : 0};

    memcpy(result.dims, value->dims, result.rank * sizeof(result.dims[0]));
    return result;
}

static int check(const struct op_node *op, struct matmul_state *state, struct error *err)
{
    const struct graph_value *a = op_input(op, 0);
    const struct graph_value *b = op_input(op, 1);
    const struct graph_value *y = op_output(op);
    uint32_t y_axes;
    struct graph_value lead_a, lead_b, lead_y;

    if (op->node->input_count != 2 || a == NULL || b == NULL || a->rank == 0 || b->rank == 0)
        return op_refuse(op, err, "must have two inputs of one axis or more");
    state->k = a->dims[a->rank - 1];
    state->m = a->rank == 1 ? 1 : a->dims[a->rank - 2];
    state->n = b->rank == 1 ? 1 : b->dims[b->rank - 1];
    y_axes = (a->rank == 1 ? 0u : 1u) + (b->rank == 1 ? 0u : 1u);
    if ((b->rank == 1 ? b->dims[0] : b->dims[b->rank - 2]) != state->k || y->rank < y_axes ||
        (b->rank > 1 && y->dims[y->rank - 1] != state->n) || (a->rank > 1 && y->dims[y->rank - y_axes] != state->m))
        return op_refuse(op, err, "the matrices' shapes don't fit");
    lead_a = leading(a, 2);
    lead_b = leading(b, 2);
    lead_y = leading(y, y_axes);
    state->walk = walk_over(&lead_y);
    if (!walk_broadcast(&state->walk, 0, &lead_a) || !walk_broadcast(&state->walk, 1, &lead_b) ||
        !walk_broadcast(&state->walk, 2, &lead_y))
        return op_refuse(op, err, "leading axes don't broadcast to the output's");
    state->one_b = b->rank <= 2;
    if (state->one_b) {
        if (a->elements / state->k * state->n != y->elements)
            return op_refuse(op, err, "the output's size is wrong");
        state->m = a->elements / state->k;
    }
    return 0;
}

static int plan(struct op_node *op, struct error *err)
{
    struct matmul_state *state = op_allocate_state(op, sizeof(*state));
    const struct graph_value *b;
    int ret;

    if (state == NULL)
        return op_no_memory(op, err);
    ret = check(op, state, err);
    if (ret < 0)
        return ret;
    if (!state->one_b)
        op->scratch_backward = state->m > state->n ? state->m * state->k : state->n * state->k;
    b = op_input(op, 1);
    if (!op->gradient || !state->one_b || b->constant == NULL)
        return 0;
    state->transposed = op_allocate_floats(op, b->elements);
    if (state->transposed == NULL)
        return op_no_memory(op, err);
    for (size_t i = 0; i < state->k; i++)
        for (size_t j = 0; j < state->n; j++)
            state->transposed[j * state->k + i] = b->constant[i * state->n + j];
    state->b_backward = state->transposed;
    return 0;
}

/* y[m×n] = a[m×k] · b[k×n] */
static int multiply(const struct op_run *run, size_t m, const float *a, const float *b, float *ret_y)
{
    const struct matmul_state *state = run->op->state;
    struct kernel_gemm gemm = {.m = m, .n = state->n, .k = state->k, .lda = state->k, .ldb = state->n, .ldc = state->n};

    return kernel_gemm(run->op->kernels, &gemm, a, b, ret_y);
}

/* da[m×k] = dy[m×n] · b[k×n]ᵀ */
static int multiply_da(const struct op_run *run, size_t m, const float *dy, const float *b, float *ret_da)
{
    const struct matmul_state *state = run->op->state;
    struct kernel_gemm gemm = {.m = m, .n = state->k, .k = state->n, .lda = state->n, .ldc = state->k};

    gemm.transposed_b = state->b_backward == NULL;
    gemm.ldb = gemm.transposed_b ? state->n : state->k;
    return kernel_gemm(run->op->kernels, &gemm, dy, gemm.transposed_b ? b : state->b_backward, ret_da);
}

/* db[k×n] = a[m×k]ᵀ · dy[m×n] */
static int multiply_db(const struct op_run *run, size_t m, const float *a, const float *dy, float *ret_db)
{
    const struct matmul_state *state = run->op->state;
    struct kernel_gemm gemm = {
        .m = state->k, .n = state->n, .k = m, .lda = state->k, .ldb = state->n, .ldc = state->n, .transposed_a = true};

    return kernel_gemm(run->op->kernels, &gemm, a, dy, ret_db);
}

static size_t products(const struct op_run *run)
{
    const struct walk *walk = &((const struct matmul_state *)run->op->state)->walk;
    size_t count = op_part(run, walk->dims[0]);

    for (uint32_t axis = 1; axis < walk->rank; axis++)
        count *= walk->dims[axis];
    return count;
}

/* Where product `index` lies in tensor t, in matrices. */
static size_t place(const struct walk *walk, uint32_t t, size_t index)
{
    size_t offset = 0;

    for (uint32_t axis = walk->rank; axis-- > 0; index /= walk->dims[axis])
        offset += index % walk->dims[axis] * walk->stride[t][axis];
    return offset;
}

static int forward(const struct op_run *run)
{
    const struct matmul_state *state = run->op->state;
    size_t count;

    if (state->one_b)
        return multiply(run, op_part(run, state->m), run->inputs[0], run->inputs[1], run->output);
    count = products(run);
    for (size_t i = 0; i < count; i++) {
        int ret = multiply(run, state->m, run->inputs[0] + place(&state->walk, 0, i) * state->m * state->k,
                           run->inputs[1] + place(&state->walk, 1, i) * state->k * state->n,
                           run->output + i * state->m * state->n);

        if (ret < 0)
            return ret;
    }
    return 0;
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    const struct matmul_state *state = run->op->state;
    size_t size = input == 0 ? state->m * state->k : state->k * state->n;
    size_t count = products(run);

    if (state->one_b && input == 0)
        return multiply_da(run, op_part(run, state->m), dy, run->inputs[1], ret_dx);
    if (state->one_b)
        return multiply_db(run, state->m, run->inputs[0], dy, ret_dx);
    memset(ret_dx, 0, op_part(run, op_input(run->op, input)->elements) * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        const float *dy_i = dy + i * state->m * state->n;
        float *dx = ret_dx + place(&state->walk, input, i) * size;
        int ret;

        if (input == 0)
            ret = multiply_da(run, state->m, dy_i, run->inputs[1] + place(&state->walk, 1, i) * state->k * state->n,
                              run->scratch);
        else
            ret = multiply_db(run, state->m, run->inputs[0] + place(&state->walk, 0, i) * state->m * state->k, dy_i,
                              run->scratch);
        if (ret < 0)
            return ret;
        for (size_t j = 0; j < size; j++)
            dx[j] += run->scratch[j];
    }
    return 0;
}

const struct op op_matmul = {.needs = {OP_NEEDS_OTHERS, OP_NEEDS_OTHERS},
                             .plan = plan,
                             .forward = forward,
                             .backward = backward,
                             .release = release};
