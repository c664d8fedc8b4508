/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exp, tanh, erf, sigmoid and log: the same fixed sequence of f32 operations, on every processor and every device.
 *
 * One text for two compilers: C17, where a `real` is a vector of floats (vector.h), and OpenCL C 1.2, where it is one
 * (opencl/kernels/common.cl). Who includes it has contraction off, and has defined
 *   SHARED_INLINE                             what a function begins with
 *   real, integer, natural                    32 bits each, signed and unsigned
 *   AS_REAL(x) AS_INTEGER(x) AS_NATURAL(x)    the same bits as another of them
 *   REAL(constant)                            the constant in every lane
 *   MASK(comparison)                          an integer, all ones where it holds, else 0
 *   CHOOSE(comparison, yes, no)               of a comparison or a mask
 *   INFINITY, NAN                             floats
 *
 * Products and sums are separate in both arithmetic classes, so a function has one result, whatever the class. The
 * constants are minimax fits of our own (Lawson's iteration in extended precision, rounded to f32 from the lowest term
 * up). The largest errors, measured against double over every 64th f32 (the tests take every 509th): exp 1.2 ulp, tanh
 * 1.4, erf 1.3, sigmoid 2.4, log 0.9; below the normal range at most 1. NaN gives NaN, with whatever payload.
 */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_SHARED_FUNCTIONS_H
#define LAZARET_GUEST_ENGINE_KERNELS_SHARED_FUNCTIONS_H

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

SHARED_INLINE real fixed_clamp(real x, float low, float high)
{
    x = CHOOSE(x > high, REAL(high), x);
    return CHOOSE(x < low, REAL(low), x);
}

SHARED_INLINE real fixed_power_of_two(integer n)
{
    return AS_REAL(AS_NATURAL(n + 127) << 23);
}

SHARED_INLINE real fixed_exp(real x)
{
    real shifted, n, r, q;
    integer exponent, half_exponent;

    x = fixed_clamp(x, EXP_MIN, EXP_MAX);
    shifted = x * LOG2_E + ROUNDER;
    exponent = AS_INTEGER(shifted) - ROUNDER_BITS;
    n = shifted - ROUNDER;
    r = (x - n * LN2_HIGH) - n * LN2_LOW;
    q = 0x1.6a47d8p-10f * r + 0x1.123b3ap-7f;
    q = q * r + 0x1.5558b8p-5f;
    q = q * r + 0x1.555490p-3f;
    q = q * r + 0x1.fffffcp-2f;
    q = (r * r) * q + r + 1.0f;
    half_exponent = exponent >> 1;
    q = q * fixed_power_of_two(half_exponent);
    return q * fixed_power_of_two(exponent - half_exponent);
}

#define SIGN_BIT ((int)0x80000000)

SHARED_INLINE real fixed_magnitude(real x)
{
    return AS_REAL(AS_INTEGER(x) & 0x7fffffff);
}

/* The magnitude with the sign of x. */
SHARED_INLINE real fixed_with_sign(real magnitude, real x)
{
    return AS_REAL(AS_INTEGER(magnitude) | (AS_INTEGER(x) & SIGN_BIT));
}

/* tanh: odd polynomial below 0.625; 1 - 2/(exp(2x)+1) above, which is 1 from 9.02 on. */
SHARED_INLINE real fixed_tanh(real x)
{
    real a = fixed_magnitude(x), z = a * a, p, far;

    p = -0x1.7550ccp-8f * z + 0x1.52044ap-6f;
    p = p * z - 0x1.b836cap-5f;
    p = p * z + 0x1.1106fap-3f;
    p = p * z - 0x1.555532p-2f;
    p = a + (a * z) * p;
    far = 1.0f - 2.0f / (fixed_exp(a + a) + 1.0f);
    return fixed_with_sign(CHOOSE(a < 0.625f, p, far), x);
}

/*
 * erf: odd polynomial below 0.92; 1 - exp(p(x)) above, p a fit of ln(erfc(x)) weighted by erfc,
 * which is 1 from 3.92 on.
 */
SHARED_INLINE real fixed_erf(real x)
{
    real a = fixed_magnitude(x), z = a * a, near, far, p;

    p = 0x1.4f6760p-14f * z - 0x1.a60a2ep-11f;
    p = p * z + 0x1.544a1ap-8f;
    p = p * z - 0x1.b8011ap-6f;
    p = p * z + 0x1.ce2d64p-4f;
    p = p * z - 0x1.812740p-2f;
    p = p * z + 0x1.06eba8p-3f;
    near = a + a * p;
    far = CHOOSE(a > 4.0f, REAL(4.0f), a);
    p = -0x1.62f0f6p-16f * far + 0x1.c84de2p-12f;
    p = p * far - 0x1.11938cp-8f;
    p = p * far + 0x1.9bb37ap-6f;
    p = p * far - 0x1.bb9202p-4f;
    p = p * far - 0x1.444478p-1f;
    p = p * far - 0x1.212846p+0f;
    p = p * far + 0x1.70d5f0p-13f;
    far = 1.0f - fixed_exp(p);
    return fixed_with_sign(CHOOSE(a < 0.92f, near, far), x);
}

/* sigmoid: from z = exp(-|x|), which can't overflow: 1/(1+z) for x >= 0, z/(1+z) for x < 0. */
SHARED_INLINE real fixed_sigmoid(real x)
{
    real z = fixed_exp(-fixed_magnitude(x));

    return CHOOSE(x < 0.0f, z, REAL(1.0f)) / (1.0f + z);
}

/*
 * log(x) = k·ln 2 + log(1+f), 1+f in [sqrt(1/2), sqrt(2)). With s = f/(2+f), log(1+f) = 2s + s·R(s²)
 * = f - (f²/2 - s·(f²/2 + R)), which loses nothing where f is small.
 */
#define SQRT_HALF_BITS 0x3f3504f3
#define ONE_BITS       0x3f800000

SHARED_INLINE real fixed_log(real x)
{
    integer tiny = MASK(x < 0x1p-126f), bits, exponent, special;
    real scaled = CHOOSE(tiny, x * 0x1p23f, x), f, s, z, r, half_square, k, y;

    bits = AS_INTEGER(AS_NATURAL(scaled) + (unsigned)(ONE_BITS - SQRT_HALF_BITS));
    exponent = (bits >> 23) - 127 - (tiny & 23);
    f = AS_REAL((bits & 0x007fffff) + SQRT_HALF_BITS) - 1.0f;
    k = AS_REAL(exponent + ROUNDER_BITS) - ROUNDER;
    s = f / (2.0f + f);
    z = s * s;
    r = 0x1.f13d0cp-3f * z + 0x1.23d3dcp-2f;
    r = r * z + 0x1.999c26p-2f;
    r = r * z + 0x1.555554p-1f;
    r = r * z;
    half_square = 0.5f * (f * f);
    y = k * LN2_HIGH - ((half_square - (s * (half_square + r) + k * LN2_LOW)) - f);
    y = CHOOSE(x == 0.0f, REAL(-INFINITY), y);
    y = CHOOSE(x < 0.0f, REAL(NAN), y);
    /* +inf and NaN come back as they are */
    special = MASK((AS_INTEGER(x) & 0x7f800000) == 0x7f800000) & ~MASK(x < 0.0f);
    return CHOOSE(special, x, y);
}

#endif
