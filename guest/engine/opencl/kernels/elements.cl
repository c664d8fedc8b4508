/* SPDX-License-Identifier: Apache-2.0 */
/* Element by element: functions, batch normalisation, sums of two tensors with numpy's broadcasting. */
#define UNARY_RELU         0u
#define UNARY_LEAKY_RELU   1u
#define UNARY_SIGMOID      2u
#define UNARY_TANH         3u
#define UNARY_HARD_SIGMOID 4u
#define UNARY_CLIP         5u
#define UNARY_ELU          6u
#define UNARY_ERF          7u
#define UNARY_EXP          8u
#define UNARY_LOG          9u
#define UNARY_COPY         10u
#define UNARY_NEG          11u
#define UNARY_SQRT         12u
#define UNARY_RECIPROCAL   13u

#define TWO_OVER_SQRT_PI 0x1.20dd76p+0f
#define FLAT             __attribute__((reqd_work_group_size(64, 1, 1)))

/* guest/engine/op_unary.c's: exp(x) - 1 from exp(x). */
static float exp_minus_one(float x, float exp_x)
{
    float sum = 0.0f;

    if (x <= -0.25f)
        return exp_x - 1.0f;
    sum = sum * x + 1.0f / 40320;
    sum = sum * x + 1.0f / 5040;
    sum = sum * x + 1.0f / 720;
    sum = sum * x + 1.0f / 120;
    sum = sum * x + 1.0f / 24;
    sum = sum * x + 1.0f / 6;
    sum = sum * x + 0.5f;
    sum = sum * x + 1.0f;
    return sum * x;
}

static float hard_sigmoid(float x, float alpha, float beta)
{
    float y = x * alpha + beta;

    if (y < 0.0f)
        return 0.0f;
    return y > 1.0f ? 1.0f : y;
}

static float clip(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

FLAT __kernel void unary(PLACE(x), PLACE(y), uint function, float alpha, float beta, uint count)
{
    OPEN(x);
    OPEN(y);
    const uint i = get_global_id(0);
    float v;

    if (i >= count)
        return;
    v = x[i];
    switch (function) {
    case UNARY_RELU:
        v = above_zero(v);
        break;
    case UNARY_LEAKY_RELU:
        v = v > 0.0f ? v : v * alpha;
        break;
    case UNARY_SIGMOID:
        v = fixed_sigmoid(v);
        break;
    case UNARY_TANH:
        v = fixed_tanh(v);
        break;
    case UNARY_HARD_SIGMOID:
        v = hard_sigmoid(v, alpha, beta);
        break;
    case UNARY_CLIP:
        v = clip(v, alpha, beta);
        break;
    case UNARY_ELU:
        v = v > 0.0f ? v : alpha * exp_minus_one(v, fixed_exp(v));
        break;
    case UNARY_ERF:
        v = fixed_erf(v);
        break;
    case UNARY_EXP:
        v = fixed_exp(v);
        break;
    case UNARY_LOG:
        v = fixed_log(v);
        break;
    case UNARY_NEG:
        v = -v;
        break;
    case UNARY_SQRT:
        v = sqrt(v);
        break;
    case UNARY_RECIPROCAL:
        v = 1.0f / v;
        break;
    default:
        break;
    }
    y[i] = v;
}

/* x and y are read where the function needs them. */
FLAT __kernel void unary_gradient(PLACE(x), PLACE(y), PLACE(dy), PLACE(dx), uint function, float alpha, float beta,
                                  uint count)
{
    OPEN(x);
    OPEN(y);
    OPEN(dy);
    OPEN(dx);
    const uint i = get_global_id(0);
    float v;

    if (i >= count)
        return;
    v = dy[i];
    switch (function) {
    case UNARY_RELU:
        v = y[i] <= 0.0f ? 0.0f : v;
        break;
    case UNARY_LEAKY_RELU:
        v = x[i] > 0.0f ? v : v * alpha;
        break;
    case UNARY_SIGMOID:
        v = v * (y[i] * (1.0f - y[i]));
        break;
    case UNARY_TANH:
        v = v * (1.0f - y[i] * y[i]);
        break;
    case UNARY_HARD_SIGMOID:
        v = y[i] > 0.0f && y[i] < 1.0f ? v * alpha : 0.0f;
        break;
    case UNARY_CLIP:
        v = x[i] >= alpha && x[i] <= beta ? v : 0.0f;
        break;
    case UNARY_ELU:
        v = x[i] > 0.0f ? v : v * (y[i] + alpha);
        break;
    case UNARY_ERF:
        v = v * (TWO_OVER_SQRT_PI * fixed_exp(-(x[i] * x[i])));
        break;
    default:
        break;
    }
    dx[i] = v;
}

/* y = x·s + t of the channel, or without t dx = dy·s. */
FLAT __kernel void batch_norm(PLACE(x), PLACE(factors), PLACE(y), uint channels, uint inner, uint with_sum, uint count)
{
    OPEN(x);
    OPEN(factors);
    OPEN(y);
    const uint i = get_global_id(0);
    uint channel;
    float v;

    if (i >= count)
        return;
    channel = i / inner % channels;
    v = x[i] * factors[channel];
    y[i] = with_sum ? v + factors[channels + channel] : v;
}

FLAT __kernel void add(PLACE(term), PLACE(sum), uint count)
{
    OPEN(term);
    OPEN(sum);
    const uint i = get_global_id(0);

    if (i < count)
        sum[i] = sum[i] + term[i];
}

FLAT __kernel void fill(PLACE(y), float value, uint count)
{
    OPEN(y);
    const uint i = get_global_id(0);

    if (i < count)
        y[i] = value;
}

/* --- two inputs ---------------------------------------------------------------------------------------- */

#define BINARY_ADD 0u
#define BINARY_SUB 1u
#define BINARY_MUL 2u
#define BINARY_DIV 3u

/* guest/engine/walk.h: the strides of a, b and the output. */
struct walk {
    uint rank, dims[RANK_MAX], stride[3][RANK_MAX];
};

static float of_two(uint function, float a, float b)
{
    switch (function) {
    case BINARY_ADD:
        return a + b;
    case BINARY_SUB:
        return a - b;
    case BINARY_MUL:
        return a * b;
    default:
        return a / b;
    }
}

/* a and b as op_binary.c's gradient_term() has them. */
static float term_of_two(uint function, uint input, float a, float b, float dy)
{
    switch (function) {
    case BINARY_ADD:
        return dy;
    case BINARY_SUB:
        return input == 0 ? dy : -dy;
    case BINARY_MUL:
        return input == 0 ? dy * b : dy * a;
    default:
        return input == 0 ? dy / b : -dy * ((a / b) / b);
    }
}

FLAT __kernel void binary(PLACE(a), PLACE(b), PLACE(y), struct walk walk, uint function, uint relu, uint count)
{
    OPEN(a);
    OPEN(b);
    OPEN(y);
    const uint i = get_global_id(0);
    uint at_a = 0, at_b = 0, rest = i;
    float v;

    if (i >= count)
        return;
    for (uint axis = walk.rank; axis-- > 0; rest /= walk.dims[axis]) {
        const uint index = rest % walk.dims[axis];

        at_a += index * walk.stride[0][axis];
        at_b += index * walk.stride[1][axis];
    }
    v = of_two(function, a[at_a], b[at_b]);
    y[i] = relu ? above_zero(v) : v;
}

/*
 * The gradient of input `input`: an item an element of it, which is the one term of its output, or 0 plus those of all
 * outputs that read it, in their row-major order. reads: 1 for a, 2 for b.
 */
FLAT __kernel void binary_gradient(PLACE(a), PLACE(b), PLACE(dy), PLACE(dx), struct walk walk, uint function,
                                   uint input, uint repeated, uint reads, uint count)
{
    OPEN(a);
    OPEN(b);
    OPEN(dy);
    OPEN(dx);
    const uint i = get_global_id(0);
    uint fixed_a = 0, fixed_b = 0, fixed_y = 0, rest = i, others = 1;
    float sum = 0.0f;

    if (i >= count)
        return;
    for (uint axis = walk.rank; axis-- > 0;) {
        uint index;

        if (walk.stride[input][axis] == 0) {
            others *= walk.dims[axis];
            continue;
        }
        index = rest % walk.dims[axis];
        rest /= walk.dims[axis];
        fixed_a += index * walk.stride[0][axis];
        fixed_b += index * walk.stride[1][axis];
        fixed_y += index * walk.stride[2][axis];
    }
    for (uint o = 0; o < others; o++) {
        uint at_a = fixed_a, at_b = fixed_b, at_y = fixed_y;
        float term;

        rest = o;
        for (uint axis = walk.rank; axis-- > 0;) {
            uint index;

            if (walk.stride[input][axis] != 0)
                continue;
            index = rest % walk.dims[axis];
            rest /= walk.dims[axis];
            at_a += index * walk.stride[0][axis];
            at_b += index * walk.stride[1][axis];
            at_y += index * walk.stride[2][axis];
        }
        term = term_of_two(function, input, MAYBE(reads, 1u) ? a[at_a] : 0.0f, MAYBE(reads, 2u) ? b[at_b] : 0.0f,
                           dy[at_y]);
        sum = repeated ? sum + term : term;
    }
    dx[i] = sum;
}
