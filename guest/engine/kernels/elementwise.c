/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exp, tanh, erf, sigmoid and log: the same fixed sequence of f32 operations for every lane.
 *
 * Products and sums are separate in both arithmetic classes, so a function has one result, whatever
 * the class. The constants are minimax fits of our own (Lawson's iteration in extended precision,
 * rounded to f32 from the lowest term up). The largest errors, measured against double over every
 * 64th f32 (the tests take every 509th): exp 1.2 ulp, tanh 1.4, erf 1.3, sigmoid 2.4, log 0.9;
 * below the normal range at most 1. NaN gives NaN, with whatever payload.
 */
#include "tables.h"
#include "vector.h"

/* Adding and subtracting 1.5·2^23 rounds to an integer; its low bits are that integer. */
#define ROUNDER      12582912.0f
#define ROUNDER_BITS 0x4b400000

/*
 * exp(x) = 2^n · e^r, n = round(x / ln 2), |r| <= ln 2 / 2; e^r = 1 + r + r²·q(r). ln 2 is split so
 * that n·LN2_HIGH is exact. 2^n is applied in two halves: no overflow before the end, and results
 * below the normal range are rounded once more, by the last product.
 */
#define LN2_HIGH 0x1.62p-1f
#define LN2_LOW  0x1.c85fdep-10f
#define LOG2_E   0x1.715476p+0f
#define EXP_MAX  89.0f   /* exp(89) overflows f32 */
#define EXP_MIN  -105.0f /* exp(-105) rounds to 0 */

VECTOR_INLINE vector_f32 vector_clamp(vector_f32 x, float low, float high)
{
    x = vector_select(x > high, vector_all(high), x);
    return vector_select(x < low, vector_all(low), x);
}

VECTOR_INLINE vector_f32 vector_power_of_two(vector_i32 n)
{
    return (vector_f32)((vector_u32)(n + 127) << 23);
}

VECTOR_INLINE vector_f32 vector_exp(vector_f32 x)
{
    vector_f32 shifted, n, r, q;
    vector_i32 exponent, half;

    x = vector_clamp(x, EXP_MIN, EXP_MAX);
    shifted = x * LOG2_E + ROUNDER;
    exponent = vector_bits(shifted) - ROUNDER_BITS;
    n = shifted - ROUNDER;
    r = (x - n * LN2_HIGH) - n * LN2_LOW;
    q = 0x1.6a47d8p-10f * r + 0x1.123b3ap-7f;
    q = q * r + 0x1.5558b8p-5f;
    q = q * r + 0x1.555490p-3f;
    q = q * r + 0x1.fffffcp-2f;
    q = (r * r) * q + r + 1.0f;
    half = exponent >> 1;
    q = q * vector_power_of_two(half);
    return q * vector_power_of_two(exponent - half);
}

#define SIGN_BIT ((int32_t)0x80000000)

VECTOR_INLINE vector_f32 vector_magnitude(vector_f32 x)
{
    return vector_float(vector_bits(x) & 0x7fffffff);
}

/* The magnitude with the sign of x. */
VECTOR_INLINE vector_f32 vector_with_sign(vector_f32 magnitude, vector_f32 x)
{
    return vector_float(vector_bits(magnitude) | (vector_bits(x) & SIGN_BIT));
}

/* tanh: odd polynomial below 0.625; 1 - 2/(exp(2x)+1) above, which is 1 from 9.02 on. */
VECTOR_INLINE vector_f32 vector_tanh(vector_f32 x)
{
    vector_f32 a = vector_magnitude(x), z = a * a, p, far;

    p = -0x1.7550ccp-8f * z + 0x1.52044ap-6f;
    p = p * z - 0x1.b836cap-5f;
    p = p * z + 0x1.1106fap-3f;
    p = p * z - 0x1.555532p-2f;
    p = a + (a * z) * p;
    far = 1.0f - 2.0f / (vector_exp(a + a) + 1.0f);
    return vector_with_sign(vector_select(a < 0.625f, p, far), x);
}

/*
 * erf: odd polynomial below 0.92; 1 - exp(p(x)) above, p a fit of ln(erfc(x)) weighted by erfc,
 * which is 1 from 3.92 on.
 */
VECTOR_INLINE vector_f32 vector_erf(vector_f32 x)
{
    vector_f32 a = vector_magnitude(x), z = a * a, near, far, p;

    p = 0x1.4f6760p-14f * z - 0x1.a60a2ep-11f;
    p = p * z + 0x1.544a1ap-8f;
    p = p * z - 0x1.b8011ap-6f;
    p = p * z + 0x1.ce2d64p-4f;
    p = p * z - 0x1.812740p-2f;
    p = p * z + 0x1.06eba8p-3f;
    near = a + a * p;
    far = vector_select(a > 4.0f, vector_all(4.0f), a);
    p = -0x1.62f0f6p-16f * far + 0x1.c84de2p-12f;
    p = p * far - 0x1.11938cp-8f;
    p = p * far + 0x1.9bb37ap-6f;
    p = p * far - 0x1.bb9202p-4f;
    p = p * far - 0x1.444478p-1f;
    p = p * far - 0x1.212846p+0f;
    p = p * far + 0x1.70d5f0p-13f;
    far = 1.0f - vector_exp(p);
    return vector_with_sign(vector_select(a < 0.92f, near, far), x);
}

/* sigmoid: from z = exp(-|x|), which can't overflow: 1/(1+z) for x >= 0, z/(1+z) for x < 0. */
VECTOR_INLINE vector_f32 vector_sigmoid(vector_f32 x)
{
    vector_f32 z = vector_exp(-vector_magnitude(x));

    return vector_select(x < 0.0f, z, vector_all(1.0f)) / (1.0f + z);
}

/*
 * log(x) = k·ln 2 + log(1+f), 1+f in [sqrt(1/2), sqrt(2)). With s = f/(2+f), log(1+f) = 2s + s·R(s²)
 * = f - (f²/2 - s·(f²/2 + R)), which loses nothing where f is small.
 */
#define SQRT_HALF_BITS 0x3f3504f3
#define ONE_BITS       0x3f800000

VECTOR_INLINE vector_f32 vector_log(vector_f32 x)
{
    vector_i32 tiny = x < 0x1p-126f, bits, exponent, special;
    vector_f32 scaled = vector_select(tiny, x * 0x1p23f, x), f, s, z, r, half, k, y;

    bits = (vector_i32)((vector_u32)scaled + (uint32_t)(ONE_BITS - SQRT_HALF_BITS));
    exponent = (bits >> 23) - 127 - (tiny & 23);
    f = vector_float((bits & 0x007fffff) + SQRT_HALF_BITS) - 1.0f;
    k = vector_float(exponent + ROUNDER_BITS) - ROUNDER;
    s = f / (2.0f + f);
    z = s * s;
    r = 0x1.f13d0cp-3f * z + 0x1.23d3dcp-2f;
    r = r * z + 0x1.999c26p-2f;
    r = r * z + 0x1.555554p-1f;
    r = r * z;
    half = 0.5f * (f * f);
    y = k * LN2_HIGH - ((half - (s * (half + r) + k * LN2_LOW)) - f);
    y = vector_select(x == 0.0f, vector_all(-__builtin_inff()), y);
    y = vector_select(x < 0.0f, vector_all(__builtin_nanf("")), y);
    /* +inf and NaN come back as they are */
    special = ((vector_bits(x) & 0x7f800000) == 0x7f800000) & ~(x < 0.0f);
    return vector_select(special, x, y);
}

/* Whole vectors in place; the rest through a vector of its own. */
#define ELEMENTWISE(name)                                                                                              \
    static void run_##name(const float *x, float *ret_y, size_t count)                                                 \
    {                                                                                                                  \
        size_t i = 0;                                                                                                  \
                                                                                                                       \
        for (; count - i >= VECTOR_LANES; i += VECTOR_LANES)                                                           \
            vector_store(ret_y + i, vector_##name(vector_load(x + i)));                                                \
        if (i < count) {                                                                                               \
            float rest[VECTOR_LANES] = {0};                                                                            \
                                                                                                                       \
            memcpy(rest, x + i, (count - i) * sizeof(*x));                                                             \
            vector_store(rest, vector_##name(vector_load(rest)));                                                      \
            memcpy(ret_y + i, rest, (count - i) * sizeof(*x));                                                         \
        }                                                                                                              \
    }

ELEMENTWISE(exp)
ELEMENTWISE(tanh)
ELEMENTWISE(erf)
ELEMENTWISE(sigmoid)
ELEMENTWISE(log)

const struct elementwise_table VECTOR_JOIN(elementwise, VECTOR_ISA) = {
    .exp = run_exp,
    .tanh = run_tanh,
    .erf = run_erf,
    .sigmoid = run_sigmoid,
    .log = run_log,
};
