/* SPDX-License-Identifier: Apache-2.0 */
/* Gemm and MatMul on a device; orders and roundings are op_gemm.c's and op_matmul.c's. */
#include "guest/engine/op_states.h"
#include "guest/engine/opencl/session.h"

#include <errno.h>

#define PRODUCTS_MAX 32768u /* of one launch */

/* A matrix: where it lies, and the strides of its rows and columns. */
struct matrix {
    const float *at;
    size_t row, column;
};

static struct matrix turned(struct matrix matrix)
{
    return (struct matrix){matrix.at, matrix.column, matrix.row};
}

/* What one launch does. */
struct product {
    size_t m, n, k, count; /* count: products, whose places are in the table, or 1 */
    struct matrix left, right;
    float *result;
    cl_mem table; /* NULL: none */
    const float *c;
    size_t c_row, c_column;
    uint32_t flags;
    float alpha, beta;
};

static int run_product(struct device_session *session, const struct product *product, struct error *err)
{
    const struct opencl_tile *tile = opencl_tile_for(session->device, product->m);
    const struct dense_shape shape = {
        .m = (uint32_t)product->m,
        .n = (uint32_t)product->n,
        .k = (uint32_t)product->k,
        .left_m = (uint32_t)product->left.row,
        .left_k = (uint32_t)product->left.column,
        .right_k = (uint32_t)product->right.row,
        .right_n = (uint32_t)product->right.column,
        .result_m = (uint32_t)product->n,
        .result_n = 1,
        .c_m = (uint32_t)product->c_row,
        .c_n = (uint32_t)product->c_column,
        .flags = product->flags | (product->table != NULL ? DENSE_TABLE : 0) | (product->c != NULL ? DENSE_C : 0),
        .alpha = product->alpha,
        .beta = product->beta,
    };
    struct launch launch = launch_begin(session->device, tile->dense);

    if (product->m == 0 || product->n == 0 || product->count == 0)
        return 0;
    launch_place(&launch, session_place(session, product->left.at));
    launch_place(&launch, session_place(session, product->right.at));
    launch_buffer(&launch, product->table != NULL ? product->table : session->labels);
    launch_place(&launch, session_place(session, product->c));
    launch_place(&launch, session_place(session, product->result));
    launch_shape(&launch, 'D', &shape, sizeof shape);
    return launch_run(&launch, (product->n + tile->n - 1) / tile->n * tile->group_x,
                      (product->m + tile->m - 1) / tile->m, product->count, err);
}

/* --- Gemm ------------------------------------------------------------------------------------------------------ */

static struct matrix operand(const struct op_run *run, uint32_t k)
{
    const struct graph_attributes *attributes = &run->op->node->attributes;
    const struct gemm_state *state = run->op->state;
    bool transposed = k == 0 ? attributes->transposed_a : attributes->transposed_b;
    size_t rows = k == 0 ? state->m : state->k, columns = k == 0 ? state->k : state->n;

    return transposed ? (struct matrix){run->inputs[k], 1, rows} : (struct matrix){run->inputs[k], columns, 1};
}

static bool grid_fits(const struct device_session *session, size_t rows)
{
    return rows / session->device->tile.m < PRODUCTS_MAX;
}

static bool gemm_fits(const struct device_session *session, const struct op_node *op, bool backward, uint32_t input)
{
    const struct gemm_state *state = op->state;

    return grid_fits(session, state->m) && grid_fits(session, state->k) && grid_fits(session, state->n) &&
           (!backward || input < 2);
}

static int gemm_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    const struct graph_attributes *attributes = &run->op->node->attributes;
    const struct gemm_state *state = run->op->state;
    const struct product product = {
        .m = op_part(run, state->m),
        .n = state->n,
        .k = state->k,
        .count = 1,
        .left = operand(run, 0),
        .right = operand(run, 1),
        .result = run->output,
        .c = run->op->node->input_count > 2 ? run->inputs[2] : NULL,
        .c_row = state->c_row,
        .c_column = state->c_column,
        .flags = DENSE_ALPHA | (run->finish.relu ? DENSE_RELU : 0),
        .alpha = attributes->alpha,
        .beta = attributes->beta,
    };

    return run_product(session, &product, err);
}

/* dA = dy·op(B)ᵀ and dB = op(A)ᵀ·dy, each as its operand lies, times alpha. */
static int gemm_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                         float *ret_dx, struct error *err)
{
    const struct graph_attributes *attributes = &run->op->node->attributes;
    const struct gemm_state *state = run->op->state;
    size_t rows = op_part(run, state->m);
    const struct matrix gradient = {dy, state->n, 1};
    bool transposed = input == 0 ? attributes->transposed_a : attributes->transposed_b;
    struct product product = {
        .m = input == 0 ? rows : state->k,
        .n = input == 0 ? state->k : state->n,
        .k = input == 0 ? state->n : state->m,
        .count = 1,
        .result = ret_dx,
        .flags = DENSE_ALPHA,
        .alpha = attributes->alpha,
    };

    product.left = input == 0 ? gradient : turned(operand(run, 0));
    product.right = input == 0 ? turned(operand(run, 1)) : gradient;
    if (transposed) { /* the operand's own rows are the product's columns */
        const struct product other = product;

        product.m = other.n;
        product.n = other.m;
        product.left = turned(other.right);
        product.right = turned(other.left);
    }
    return run_product(session, &product, err);
}

const struct node_calls calls_gemm = {.fits = gemm_fits, .forward = gemm_forward, .backward = gemm_backward};

/* --- MatMul ------------------------------------------------------------------------------------------------------ */

/* Places of each product's matrices: a, b and y for the forward pass; dy, b and a; a, dy and b. */
struct matmul_node {
    cl_mem places[3];
    size_t count; /* of a whole batch */
    bool repeated[2];
};

static void matmul_release(struct device_session *session, uint32_t node)
{
    const struct matmul_node *matmul = session->prepared[node];

    for (unsigned i = 0; i < 3; i++)
        if (matmul->places[i] != NULL)
            (void)clReleaseMemObject(matmul->places[i]);
}

static size_t products_of(const struct walk *walk, size_t outermost)
{
    size_t count = outermost;

    for (uint32_t axis = 1; axis < walk->rank; axis++)
        count *= walk->dims[axis];
    return count;
}

static size_t matrix_place(const struct walk *walk, uint32_t t, size_t index)
{
    size_t offset = 0;

    for (uint32_t axis = walk->rank; axis-- > 0; index /= walk->dims[axis])
        offset += index % walk->dims[axis] * walk->stride[t][axis];
    return offset;
}

static bool matmul_fits(const struct device_session *session, const struct op_node *op, bool backward, uint32_t input)
{
    const struct matmul_state *state = op->state;
    const struct matmul_node *matmul = session->prepared[op - session->nodes];

    return grid_fits(session, state->m) && grid_fits(session, state->k) && grid_fits(session, state->n) &&
           matmul->count <= PRODUCTS_MAX && (!backward || state->one_b || !matmul->repeated[input]);
}

static int matmul_prepare(struct device_session *session, uint32_t node, struct error *err)
{
    const struct op_node *op = &session->nodes[node];
    const struct matmul_state *state = op->state;
    const size_t sizes[3] = {state->m * state->k, state->k * state->n, state->m * state->n};
    static const unsigned orders[3][3] = {{0, 1, 2}, {2, 1, 0}, {0, 2, 1}};
    struct matmul_node *matmul = calloc(1, sizeof *matmul);
    CLEANUP_FREE cl_uint *places = NULL;
    int r = 0;

    if (matmul == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to prepare a device's node");
    session->prepared[node] = matmul;
    matmul->count = state->one_b ? 1 : products_of(&state->walk, state->walk.dims[0]);
    for (uint32_t k = 0; k < 2; k++)
        matmul->repeated[k] = !state->one_b && op_input(op, k)->elements != sizes[k] * matmul->count;
    if (state->one_b || matmul->count > PRODUCTS_MAX)
        return 0;
    places = calloc(matmul->count * 4, sizeof *places);
    if (places == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to prepare a device's node");
    for (unsigned table = 0; r == 0 && table < 3; table++) {
        for (size_t i = 0; i < matmul->count; i++)
            for (unsigned t = 0; t < 3; t++) {
                unsigned tensor = orders[table][t];
                size_t at = tensor == 2 ? i : matrix_place(&state->walk, tensor, i);

                places[i * 4 + t] = (cl_uint)(at * sizes[tensor]);
            }
        r = session_upload(session, places, matmul->count * 4 * sizeof *places, "a product's places",
                           &matmul->places[table], err);
    }
    return r;
}

static int matmul_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    const struct matmul_state *state = run->op->state;
    const struct matmul_node *matmul = session->prepared[session_node(session, run)];
    const struct product product = {
        .m = state->one_b ? op_part(run, state->m) : state->m,
        .n = state->n,
        .k = state->k,
        .count = state->one_b ? 1 : products_of(&state->walk, op_part(run, state->walk.dims[0])),
        .left = {run->inputs[0], state->k, 1},
        .right = {run->inputs[1], state->n, 1},
        .result = run->output,
        .table = matmul->places[0],
    };

    return run_product(session, &product, err);
}

static int matmul_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                           float *ret_dx, struct error *err)
{
    const struct matmul_state *state = run->op->state;
    const struct matmul_node *matmul = session->prepared[session_node(session, run)];
    size_t rows = state->one_b ? op_part(run, state->m) : state->m;
    struct product product = {
        .m = input == 0 ? rows : state->k,
        .n = input == 0 ? state->k : state->n,
        .k = input == 0 ? state->n : state->m,
        .count = state->one_b ? 1 : products_of(&state->walk, op_part(run, state->walk.dims[0])),
        .left = {dy, state->n, 1},
        .right = {run->inputs[1], 1, state->n},
        .result = ret_dx,
        .table = matmul->places[1 + input],
        .flags = state->one_b ? 0 : DENSE_ZERO_FIRST,
    };

    if (input == 1) {
        product.left = (struct matrix){run->inputs[0], 1, state->k};
        product.right = (struct matrix){dy, state->n, 1};
    }
    return run_product(session, &product, err);
}

const struct node_calls calls_matmul = {.prepare = matmul_prepare,
                                        .release = matmul_release,
                                        .fits = matmul_fits,
                                        .forward = matmul_forward,
                                        .backward = matmul_backward};
