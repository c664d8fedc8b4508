/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators of one input, element by element, and their derivatives.
 *
 * At the places where a derivative is not defined it is what torch takes: Relu and LeakyRelu at 0 the
 * left one, HardSigmoid 0 at both ends, Clip 1 at both bounds, Elu the left one. A NaN passes Relu and
 * Clip, so that it can't hide.
 */
#include "guest/engine/ops.h"

#include <errno.h>
#include <string.h>

#define TWO_OVER_SQRT_PI 0x1.20dd76p+0f

/* The loops work on a copy of this, which their stores can't reach: only then are they vectorised. */
struct unary {
    float alpha, beta;
    const float *x, *y, *dy; /* what the loop reads; NULL where it doesn't */
    float *out;
};

typedef void (*unary_work)(void *argument, size_t first, size_t last);

static size_t count_of(const struct op_run *run)
{
    return op_part(run, op_output(run->op)->elements);
}

static int forward_by(const struct op_run *run, unary_work work)
{
    const struct graph_attributes *attributes = &run->op->node->attributes;
    struct unary unary = {
        .alpha = attributes->alpha, .beta = attributes->beta, .x = run->inputs[0], .out = run->output};

    op_parallel(run->op, count_of(run), 1, work, &unary);
    return 0;
}

static int backward_by(const struct op_run *run, unary_work work, const float *dy, float *ret_dx)
{
    const struct graph_attributes *attributes = &run->op->node->attributes;
    struct unary unary = {.alpha = attributes->alpha,
                          .beta = attributes->beta,
                          .x = run->inputs[0],
                          .y = run->output,
                          .dy = dy,
                          .out = ret_dx};

    op_parallel(run->op, count_of(run), 2, work, &unary);
    return 0;
}

/* --- Relu ------------------------------------------------------------------------------------- */

static void relu_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++)
        u.out[i] = u.x[i] <= 0.0f ? 0.0f : u.x[i];
}

static void relu_gradient_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++) {
        float dy = u.dy[i]; /* read in any case: a branch on signs is a coin toss */

        u.out[i] = u.y[i] <= 0.0f ? 0.0f : dy;
    }
}

static int relu_forward(const struct op_run *run)
{
    return forward_by(run, relu_work);
}

static int relu_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    (void)input;
    return backward_by(run, relu_gradient_work, dy, ret_dx);
}

const struct op op_relu = {.needs = {OP_NEEDS_OUTPUT, 0},
                           .in_place = true,
                           .in_place_backward = true,
                           .plan = op_plan_unary,
                           .forward = relu_forward,
                           .backward = relu_backward};

/* --- LeakyRelu -------------------------------------------------------------------------------- */

static void leaky_relu_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++)
        u.out[i] = u.x[i] > 0.0f ? u.x[i] : u.x[i] * u.alpha;
}

static void leaky_relu_gradient_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++)
        u.out[i] = u.x[i] > 0.0f ? u.dy[i] : u.dy[i] * u.alpha;
}

static int leaky_relu_forward(const struct op_run *run)
{
    return forward_by(run, leaky_relu_work);
}

static int leaky_relu_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    (void)input;
    return backward_by(run, leaky_relu_gradient_work, dy, ret_dx);
}

const struct op op_leaky_relu = {.needs = {OP_NEEDS_SELF, 0},
                                 .in_place = true,
                                 .in_place_backward = true,
                                 .plan = op_plan_unary,
                                 .forward = leaky_relu_forward,
                                 .backward = leaky_relu_backward};

/* --- Sigmoid: dx = dy · (y · (1 − y)) ----------------------------------------------------------- */

static void sigmoid_gradient_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++)
        u.out[i] = u.dy[i] * (u.y[i] * (1.0f - u.y[i]));
}

static int sigmoid_forward(const struct op_run *run)
{
    kernel_sigmoid(run->op->kernels, run->inputs[0], run->output, count_of(run));
    return 0;
}

static int sigmoid_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    (void)input;
    return backward_by(run, sigmoid_gradient_work, dy, ret_dx);
}

const struct op op_sigmoid = {.needs = {OP_NEEDS_OUTPUT, 0},
                              .in_place = true,
                              .in_place_backward = true,
                              .plan = op_plan_unary,
                              .forward = sigmoid_forward,
                              .backward = sigmoid_backward};

/* --- Tanh: dx = dy · (1 − y²) ------------------------------------------------------------------- */

static void tanh_gradient_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++)
        u.out[i] = u.dy[i] * (1.0f - u.y[i] * u.y[i]);
}

static int tanh_forward(const struct op_run *run)
{
    kernel_tanh(run->op->kernels, run->inputs[0], run->output, count_of(run));
    return 0;
}

static int tanh_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    (void)input;
    return backward_by(run, tanh_gradient_work, dy, ret_dx);
}

const struct op op_tanh = {.needs = {OP_NEEDS_OUTPUT, 0},
                           .in_place = true,
                           .in_place_backward = true,
                           .plan = op_plan_unary,
                           .forward = tanh_forward,
                           .backward = tanh_backward};

/* --- HardSigmoid: clip(alpha·x + beta, 0, 1) ------------------------------------------------------ */

static inline float hard_sigmoid(float x, float alpha, float beta)
{
    float y = x * alpha + beta;

    if (y < 0.0f)
        return 0.0f;
    return y > 1.0f ? 1.0f : y;
}

static void hard_sigmoid_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++)
        u.out[i] = hard_sigmoid(u.x[i], u.alpha, u.beta);
}

static void hard_sigmoid_gradient_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++)
        u.out[i] = u.y[i] > 0.0f && u.y[i] < 1.0f ? u.dy[i] * u.alpha : 0.0f;
}

static int hard_sigmoid_forward(const struct op_run *run)
{
    return forward_by(run, hard_sigmoid_work);
}

static int hard_sigmoid_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    (void)input;
    return backward_by(run, hard_sigmoid_gradient_work, dy, ret_dx);
}

const struct op op_hard_sigmoid = {.needs = {OP_NEEDS_OUTPUT, 0},
                                   .in_place = true,
                                   .in_place_backward = true,
                                   .plan = op_plan_unary,
                                   .forward = hard_sigmoid_forward,
                                   .backward = hard_sigmoid_backward};

/* --- Clip: min(max(x, alpha), beta) ---------------------------------------------------------------- */

static void clip_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;
    float low = u.alpha;
    float high = u.beta;

    for (size_t i = first; i < last; i++) {
        float x = u.x[i] < low ? low : u.x[i];

        u.out[i] = x > high ? high : x;
    }
}

static void clip_gradient_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;
    float low = u.alpha;
    float high = u.beta;

    for (size_t i = first; i < last; i++)
        u.out[i] = u.x[i] >= low && u.x[i] <= high ? u.dy[i] : 0.0f;
}

static int clip_forward(const struct op_run *run)
{
    return forward_by(run, clip_work);
}

static int clip_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    (void)input;
    return backward_by(run, clip_gradient_work, dy, ret_dx);
}

const struct op op_clip = {.needs = {OP_NEEDS_SELF, 0},
                           .in_place = true,
                           .in_place_backward = true,
                           .plan = op_plan_unary,
                           .forward = clip_forward,
                           .backward = clip_backward};

/* --- Elu: x for x > 0, else alpha·(exp(x) − 1) ------------------------------------------------------ */

/*
 * exp(x) − 1 from exp(x): near 0 the difference would cancel, so that there Taylor's polynomial of
 * degree 8 is taken (its remainder is below 2e-10 of the value for −0.25 < x ≤ 0), by Horner's rule.
 */
static float exp_minus_one(float x, float exp_x)
{
    static const float coefficients[] = {1.0f / 40320, 1.0f / 5040, 1.0f / 720, 1.0f / 120,
                                         1.0f / 24,    1.0f / 6,    0.5f,       1.0f};
    float sum = 0.0f;

    if (x <= -0.25f)
        return exp_x - 1.0f;
    for (size_t i = 0; i < sizeof(coefficients) / sizeof(coefficients[0]); i++)
        sum = sum * x + coefficients[i];
    return sum * x;
}

static void elu_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++)
        u.out[i] = u.x[i] > 0.0f ? u.x[i] : u.alpha * exp_minus_one(u.x[i], u.out[i]);
}

static void elu_gradient_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++)
        u.out[i] = u.x[i] > 0.0f ? u.dy[i] : u.dy[i] * (u.y[i] + u.alpha);
}

static int elu_forward(const struct op_run *run)
{
    kernel_exp(run->op->kernels, run->inputs[0], run->output, count_of(run));
    return forward_by(run, elu_work);
}

static int elu_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    (void)input;
    return backward_by(run, elu_gradient_work, dy, ret_dx);
}

const struct op op_elu = {.needs = {OP_NEEDS_SELF | OP_NEEDS_OUTPUT, 0},
                          .in_place_backward = true,
                          .plan = op_plan_unary,
                          .forward = elu_forward,
                          .backward = elu_backward};

/* --- Erf: dx = dy · (2/sqrt(pi) · exp(−x²)) ----------------------------------------------------------- */

static void minus_square_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++)
        u.out[i] = -(u.x[i] * u.x[i]);
}

static void erf_gradient_work(void *argument, size_t first, size_t last)
{
    const struct unary u = *(const struct unary *)argument;

    for (size_t i = first; i < last; i++)
        u.out[i] = u.dy[i] * (TWO_OVER_SQRT_PI * u.out[i]);
}

static int erf_forward(const struct op_run *run)
{
    kernel_erf(run->op->kernels, run->inputs[0], run->output, count_of(run));
    return 0;
}

static int erf_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    int ret;

    (void)input;
    ret = backward_by(run, minus_square_work, dy, ret_dx);
    if (ret < 0)
        return ret;
    kernel_exp(run->op->kernels, ret_dx, ret_dx, count_of(run));
    return backward_by(run, erf_gradient_work, dy, ret_dx);
}

const struct op op_erf = {.needs = {OP_NEEDS_SELF, 0},
                          .in_place = true,
                          .plan = op_plan_unary,
                          .forward = erf_forward,
                          .backward = erf_backward};

/* --- Reshape: the same memory ---------------------------------------------------------------------- */

static int reshape_forward(const struct op_run *run)
{
    if (run->output != run->inputs[0])
        memcpy(run->output, run->inputs[0], count_of(run) * sizeof(float));
    return 0;
}

static int reshape_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    (void)input;
    if (ret_dx != dy)
        memcpy(ret_dx, dy, count_of(run) * sizeof(float));
    return 0;
}

const struct op op_reshape = {.in_place_backward = true,
                              .alias = true,
                              .plan = op_plan_unary,
                              .forward = reshape_forward,
                              .backward = reshape_backward};
