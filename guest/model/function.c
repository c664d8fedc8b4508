/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one number. */
#include "guest/model/function.h"

#include "guest/model/math64.h"

#include <math.h>
#include <string.h>

static const char *const names[FUNCTION_COUNT] = {
    [FUNCTION_ABS] = "Abs",
    [FUNCTION_NEG] = "Neg",
    [FUNCTION_EXP] = "Exp",
    [FUNCTION_LOG] = "Log",
    [FUNCTION_SQRT] = "Sqrt",
    [FUNCTION_RECIPROCAL] = "Reciprocal",
    [FUNCTION_FLOOR] = "Floor",
    [FUNCTION_CEIL] = "Ceil",
    [FUNCTION_ROUND] = "Round",
    [FUNCTION_TRUNCATE] = "Cast",
    [FUNCTION_SIGN] = "Sign",
    [FUNCTION_SIN] = "Sin",
    [FUNCTION_COS] = "Cos",
    [FUNCTION_TAN] = "Tan",
    [FUNCTION_ASIN] = "Asin",
    [FUNCTION_ACOS] = "Acos",
    [FUNCTION_ATAN] = "Atan",
    [FUNCTION_SINH] = "Sinh",
    [FUNCTION_COSH] = "Cosh",
    [FUNCTION_ASINH] = "Asinh",
    [FUNCTION_ACOSH] = "Acosh",
    [FUNCTION_ATANH] = "Atanh",
    [FUNCTION_SOFTPLUS] = "Softplus",
    [FUNCTION_SOFTSIGN] = "Softsign",
    [FUNCTION_SELU] = "Selu",
    [FUNCTION_CELU] = "Celu",
    [FUNCTION_THRESHOLDED_RELU] = "ThresholdedRelu",
    [FUNCTION_MISH] = "Mish",
    [FUNCTION_HARD_SWISH] = "HardSwish",
    [FUNCTION_SHRINK] = "Shrink",
    [FUNCTION_NOT] = "Not",
    [FUNCTION_IS_NAN] = "IsNaN",
    [FUNCTION_IS_INF] = "IsInf",
    [FUNCTION_IS_OTHER] = "Cast",
    [FUNCTION_HALF] = "Cast",
    [FUNCTION_BFLOAT16] = "Cast",
    [FUNCTION_WRAP] = "Cast",
};

const char *function_name(enum function function)
{
    return (unsigned)function < FUNCTION_COUNT ? names[function] : "?";
}

static uint32_t bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float from_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static float truncate(float x)
{
    if (!(x > -0x1p23f && x < 0x1p23f))
        return x;
    return from_bits(bits_of((float)(int32_t)x) | (bits_of(x) & 0x80000000u));
}

static float floor_of(float x)
{
    float t = truncate(x);

    return t > x ? t - 1.0f : t;
}

static float round_to_even(float x)
{
    float magnitude = x < 0 ? -x : x;

    if (!(magnitude < 0x1p23f))
        return x;
    magnitude = (magnitude + 0x1p23f) - 0x1p23f;
    return from_bits(bits_of(magnitude) | (bits_of(x) & 0x80000000u));
}

/* To the nearest number with so many bits of fraction fewer, ties to even; `largest` bounds what is finite. */
static float drop_bits(float x, uint32_t count)
{
    uint32_t bits = bits_of(x), half = (1u << (count - 1)) - 1;

    if (!(x - x == 0.0f))
        return x;
    bits += half + (bits >> count & 1);
    return from_bits(bits >> count << count);
}

static float half_of(float x)
{
    float magnitude = x < 0 ? -x : x;

    if (magnitude < 0x1p-14f) /* denormal: a multiple of 2^-24, by a sum whose last place that is */
        return from_bits(bits_of((magnitude + 0x1p-1f) - 0x1p-1f) | (bits_of(x) & 0x80000000u));
    magnitude = drop_bits(magnitude, 13);
    if (magnitude > 65504.0f)
        magnitude = INFINITY;
    return x < 0 ? -magnitude : magnitude == magnitude ? magnitude : x;
}

static double sigmoid(double x)
{
    double z = math64_exp(x < 0 ? x : -x);

    return (x < 0 ? z : 1.0) / (1.0 + z);
}

static double softplus(double x)
{
    return (x > 0 ? x : 0) + math64_log1p(math64_exp(x < 0 ? x : -x));
}

static float wrap(float x, float modulus, float lowest)
{
    float y = x - lowest;

    return y - floor_of(y / modulus) * modulus + lowest;
}

static double smooth_value(enum function function, float x, double alpha, double beta)
{
    double d = (double)x;

    switch (function) {
    case FUNCTION_EXP:
        return math64_exp(d);
    case FUNCTION_LOG:
        return math64_log(d);
    case FUNCTION_SIN:
        return math64_sin(x);
    case FUNCTION_COS:
        return math64_cos(x);
    case FUNCTION_TAN:
        return math64_tan(x);
    case FUNCTION_ASIN:
        return math64_asin(d);
    case FUNCTION_ACOS:
        return math64_acos(d);
    case FUNCTION_ATAN:
        return math64_atan(d);
    case FUNCTION_SINH:
        return math64_sinh(d);
    case FUNCTION_COSH:
        return math64_cosh(d);
    case FUNCTION_ASINH:
        return math64_asinh(d);
    case FUNCTION_ACOSH:
        return math64_acosh(d);
    case FUNCTION_ATANH:
        return math64_atanh(d);
    case FUNCTION_SOFTPLUS:
        return softplus(d);
    case FUNCTION_SELU:
        return x > 0 ? beta * d : beta * (alpha * math64_expm1(d));
    case FUNCTION_CELU:
        return x > 0 ? d : alpha * math64_expm1(d / alpha);
    default: /* FUNCTION_MISH */
        return d * math64_tanh(softplus(d));
    }
}

float function_value(enum function function, float x, float alpha, float beta)
{
    float y;

    switch (function) {
    case FUNCTION_ABS:
        return x < 0 ? -x : x == 0 ? 0.0f : x;
    case FUNCTION_NEG:
        return -x;
    case FUNCTION_SQRT:
        return __builtin_sqrtf(x);
    case FUNCTION_RECIPROCAL:
        return 1.0f / x;
    case FUNCTION_FLOOR:
        return floor_of(x);
    case FUNCTION_CEIL:
        return -floor_of(-x);
    case FUNCTION_ROUND:
        return round_to_even(x);
    case FUNCTION_TRUNCATE:
        return truncate(x);
    case FUNCTION_SIGN:
        return x > 0 ? 1.0f : x < 0 ? -1.0f : x;
    case FUNCTION_SOFTSIGN:
        return x / (1.0f + (x < 0 ? -x : x));
    case FUNCTION_THRESHOLDED_RELU:
        return x <= alpha ? 0.0f : x;
    case FUNCTION_HARD_SWISH:
        y = x * (1.0f / 6) + 0.5f;
        return x * (y < 0 ? 0.0f : y > 1 ? 1.0f : y);
    case FUNCTION_SHRINK:
        return x < -alpha ? x + beta : x > alpha ? x - beta : x == x ? 0.0f : x;
    case FUNCTION_NOT:
        return x == 0 ? 1.0f : 0.0f;
    case FUNCTION_IS_NAN:
        return x != x ? 1.0f : 0.0f;
    case FUNCTION_IS_INF:
        return (x == INFINITY && alpha != 0) || (x == -INFINITY && beta != 0) ? 1.0f : 0.0f;
    case FUNCTION_IS_OTHER:
        return x != 0 ? 1.0f : 0.0f;
    case FUNCTION_HALF:
        return half_of(x);
    case FUNCTION_BFLOAT16:
        return drop_bits(x, 16);
    case FUNCTION_WRAP:
        return wrap(x, alpha, beta);
    default:
        return (float)smooth_value(function, x, (double)alpha, (double)beta);
    }
}

static double smooth_slope(enum function function, float x, double alpha, double beta)
{
    double d = (double)x, t;

    switch (function) {
    case FUNCTION_EXP:
        return math64_exp(d);
    case FUNCTION_LOG:
    case FUNCTION_RECIPROCAL:
        return function == FUNCTION_LOG ? 1.0 / d : -1.0 / (d * d);
    case FUNCTION_SQRT:
        return d == 0 ? 0.0 : 0.5 / math64_sqrt(d);
    case FUNCTION_SIN:
        return math64_cos(x);
    case FUNCTION_COS:
        return -math64_sin(x);
    case FUNCTION_TAN:
        t = math64_cos(x);
        return 1.0 / (t * t);
    case FUNCTION_ASIN:
    case FUNCTION_ACOS:
        t = 1.0 / math64_sqrt((1.0 - d) * (1.0 + d));
        return function == FUNCTION_ASIN ? t : -t;
    case FUNCTION_ATAN:
        return 1.0 / (1.0 + d * d);
    case FUNCTION_SINH:
        return math64_cosh(d);
    case FUNCTION_COSH:
        return math64_sinh(d);
    case FUNCTION_ASINH:
        return 1.0 / math64_sqrt(1.0 + d * d);
    case FUNCTION_ACOSH:
        return 1.0 / math64_sqrt((d - 1.0) * (d + 1.0));
    case FUNCTION_ATANH:
        return 1.0 / ((1.0 - d) * (1.0 + d));
    case FUNCTION_SOFTPLUS:
        return sigmoid(d);
    case FUNCTION_SOFTSIGN:
        t = 1.0 + (d < 0 ? -d : d);
        return 1.0 / (t * t);
    case FUNCTION_SELU:
        return x > 0 ? beta : beta * (alpha * math64_exp(d));
    case FUNCTION_CELU:
        return x > 0 ? 1.0 : math64_exp(d / alpha);
    default: /* FUNCTION_MISH: with t = tanh(softplus(x)), t + x·(1 − t²)·sigmoid(x) */
        t = math64_tanh(softplus(d));
        return t + d * ((1.0 - t * t) * sigmoid(d));
    }
}

float function_slope(enum function function, float x, float alpha, float beta)
{
    switch (function) {
    case FUNCTION_ABS:
        return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f;
    case FUNCTION_NEG:
        return -1.0f;
    case FUNCTION_THRESHOLDED_RELU:
        return x > alpha ? 1.0f : 0.0f;
    case FUNCTION_HARD_SWISH:
        return x <= -3.0f ? 0.0f : x >= 3.0f ? 1.0f : x * (1.0f / 3) + 0.5f;
    case FUNCTION_SHRINK:
        return x < -alpha || x > alpha ? 1.0f : 0.0f;
    case FUNCTION_HALF:
    case FUNCTION_BFLOAT16:
        return 1.0f;
    case FUNCTION_FLOOR:
    case FUNCTION_CEIL:
    case FUNCTION_ROUND:
    case FUNCTION_TRUNCATE:
    case FUNCTION_SIGN:
    case FUNCTION_NOT:
    case FUNCTION_IS_NAN:
    case FUNCTION_IS_INF:
    case FUNCTION_IS_OTHER:
    case FUNCTION_WRAP:
        return 0.0f;
    default:
        return (float)smooth_slope(function, x, (double)alpha, (double)beta);
    }
}
