/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MatMul with numpy's rules: vectors become matrices, leading axes broadcast.
 *
 * Each product adds as kernel_gemm does (k ascending). The gradient of an operand that several
 * products read is the first's, plus each further one in the output's row-major order. Where the right
 * operand is one matrix, all rows of the left one form one product; its gradient then is one sum over
 * all those rows in order.
 */
#include "guest/engine/op_states.h"
#include "guest/engine/ops.h"
#include "guest/engine/walk.h"

#include <errno.h>
#include <string.h>

static void release(struct op_node *op)
{
    struct matmul_state *state = op->state;

    if (state != NULL) {
        free(state->forward);
        free(state->backward);
    }
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

/* y[m×n] = a[m×k] · b[k×n] */
static struct kernel_gemm forward_product(const struct matmul_state *state, size_t m)
{
    return (struct kernel_gemm){
        .m = m, .n = state->n, .k = state->k, .lda = state->k, .ldb = state->n, .ldc = state->n};
}

/* da[m×k] = dy[m×n] · b[k×n]ᵀ */
static struct kernel_gemm backward_product(const struct matmul_state *state, size_t m)
{
    return (struct kernel_gemm){
        .m = m, .n = state->k, .k = state->n, .lda = state->n, .ldb = state->n, .ldc = state->k, .transposed_b = true};
}

/* db[k×n] = a[m×k]ᵀ · dy[m×n] */
static struct kernel_gemm b_product(const struct matmul_state *state, size_t m)
{
    return (struct kernel_gemm){
        .m = state->k, .n = state->n, .k = m, .lda = state->k, .ldb = state->n, .ldc = state->n, .transposed_a = true};
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

static int plan(struct op_node *op, struct error *err)
{
    struct matmul_state *state = op_allocate_state(op, sizeof(*state));
    struct kernel_gemm forward, backward, db;
    int ret;

    if (state == NULL)
        return op_no_memory(op, err);
    ret = check(op, state, err);
    if (ret < 0)
        return ret;
    if (!state->one_b)
        op->scratch_backward = state->m > state->n ? state->m * state->k : state->n * state->k;
    forward = forward_product(state, state->m);
    backward = backward_product(state, state->m);
    db = b_product(state, state->m);
    if (state->one_b && op_input(op, 1)->constant != NULL) {
        ret = pack(op, &forward, &state->forward, err);
        return ret == 0 && op->gradient ? pack(op, &backward, &state->backward, err) : ret;
    }
    take_scratch(op, kernel_gemm_scratch(op->kernels, &forward));
    if (op->gradient)
        take_scratch(op, kernel_gemm_scratch(op->kernels, &backward));
    if (op->gradient)
        take_scratch(op, kernel_gemm_scratch(op->kernels, &db));
    return 0;
}

static int multiply(const struct op_run *run, size_t m, const float *a, const float *b, float *ret_y)
{
    const struct matmul_state *state = run->op->state;
    const struct kernel_gemm gemm = forward_product(state, m);

    if (state->forward != NULL)
        return kernel_gemm_packed(run->op->kernels, &gemm, a, state->forward, ret_y);
    return kernel_gemm(run->op->kernels, &gemm, a, b, ret_y);
}

static int multiply_da(const struct op_run *run, size_t m, const float *dy, const float *b, float *ret_da)
{
    const struct matmul_state *state = run->op->state;
    const struct kernel_gemm gemm = backward_product(state, m);

    if (state->backward != NULL)
        return kernel_gemm_packed(run->op->kernels, &gemm, dy, state->backward, ret_da);
    return kernel_gemm(run->op->kernels, &gemm, dy, b, ret_da);
}

static int multiply_db(const struct op_run *run, size_t m, const float *a, const float *dy, float *ret_db)
{
    const struct kernel_gemm gemm = b_product(run->op->state, m);

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
