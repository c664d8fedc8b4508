/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all kernels share: no contraction, the functions of guest/engine/kernels/elementwise.c operation by operation,
 * and what is done to a result as it is written.
 *
 * Only fma() fuses, and only where the processor's arithmetic class `fma` does. A kernel gives a tensor by a buffer and
 * a place in it, in floats.
 */
#pragma OPENCL FP_CONTRACT OFF

#define PLACE(name)  __global float *name##_buffer, ulong name##_place
#define OPEN(name)   __global float *name = name##_buffer + name##_place
#define RANK_MAX     8
#define MAYBE(flags, bit) (((flags) & (bit)) != 0)

#define HAS_BIAS   1u
#define HAS_ADDEND 2u
#define HAS_MASK   4u
#define HAS_RELU   8u

static float above_zero(float v)
{
    return v <= 0.0f ? 0.0f : v;
}

#define ROUNDER      12582912.0f
#define ROUNDER_BITS 0x4b400000
#define LN2_HIGH     0x1.62p-1f
#define LN2_LOW      0x1.c85fdep-10f
#define LOG2_E       0x1.715476p+0f

static float power_of_two(int n)
{
    return as_float((uint)(n + 127) << 23);
}

static float own_exp(float x)
{
    float shifted, n, r, q;
    int exponent, half_exponent;

    x = x > 89.0f ? 89.0f : x;
    x = x < -105.0f ? -105.0f : x;
    shifted = x * LOG2_E + ROUNDER;
    exponent = as_int(shifted) - ROUNDER_BITS;
    n = shifted - ROUNDER;
    r = (x - n * LN2_HIGH) - n * LN2_LOW;
    q = 0x1.6a47d8p-10f * r + 0x1.123b3ap-7f;
    q = q * r + 0x1.5558b8p-5f;
    q = q * r + 0x1.555490p-3f;
    q = q * r + 0x1.fffffcp-2f;
    q = (r * r) * q + r + 1.0f;
    half_exponent = exponent >> 1;
    q = q * power_of_two(half_exponent);
    return q * power_of_two(exponent - half_exponent);
}

static float magnitude(float x)
{
    return as_float(as_int(x) & 0x7fffffff);
}

static float with_sign(float value, float x)
{
    return as_float(as_int(value) | (as_int(x) & (int)0x80000000));
}

static float own_tanh(float x)
{
    float a = magnitude(x), z = a * a, p, far;

    p = -0x1.7550ccp-8f * z + 0x1.52044ap-6f;
    p = p * z - 0x1.b836cap-5f;
    p = p * z + 0x1.1106fap-3f;
    p = p * z - 0x1.555532p-2f;
    p = a + (a * z) * p;
    far = 1.0f - 2.0f / (own_exp(a + a) + 1.0f);
    return with_sign(a < 0.625f ? p : far, x);
}

static float own_erf(float x)
{
    float a = magnitude(x), z = a * a, near, far, p;

    p = 0x1.4f6760p-14f * z - 0x1.a60a2ep-11f;
    p = p * z + 0x1.544a1ap-8f;
    p = p * z - 0x1.b8011ap-6f;
    p = p * z + 0x1.ce2d64p-4f;
    p = p * z - 0x1.812740p-2f;
    p = p * z + 0x1.06eba8p-3f;
    near = a + a * p;
    far = a > 4.0f ? 4.0f : a;
    p = -0x1.62f0f6p-16f * far + 0x1.c84de2p-12f;
    p = p * far - 0x1.11938cp-8f;
    p = p * far + 0x1.9bb37ap-6f;
    p = p * far - 0x1.bb9202p-4f;
    p = p * far - 0x1.444478p-1f;
    p = p * far - 0x1.212846p+0f;
    p = p * far + 0x1.70d5f0p-13f;
    far = 1.0f - own_exp(p);
    return with_sign(a < 0.92f ? near : far, x);
}

static float own_sigmoid(float x)
{
    float z = own_exp(-magnitude(x));

    return (x < 0.0f ? z : 1.0f) / (1.0f + z);
}

#define SQRT_HALF_BITS 0x3f3504f3
#define ONE_BITS       0x3f800000

static float own_log(float x)
{
    bool tiny = x < 0x1p-126f;
    float scaled = tiny ? x * 0x1p23f : x, f, s, z, r, half_square, k, y;
    int bits = (int)((uint)as_int(scaled) + (uint)(ONE_BITS - SQRT_HALF_BITS));
    int exponent = (bits >> 23) - 127 - (tiny ? 23 : 0);

    f = as_float((bits & 0x007fffff) + SQRT_HALF_BITS) - 1.0f;
    k = as_float(exponent + ROUNDER_BITS) - ROUNDER;
    s = f / (2.0f + f);
    z = s * s;
    r = 0x1.f13d0cp-3f * z + 0x1.23d3dcp-2f;
    r = r * z + 0x1.999c26p-2f;
    r = r * z + 0x1.555554p-1f;
    r = r * z;
    half_square = 0.5f * (f * f);
    y = k * LN2_HIGH - ((half_square - (s * (half_square + r) + k * LN2_LOW)) - f);
    y = x == 0.0f ? -INFINITY : y;
    y = x < 0.0f ? NAN : y;
    return (as_int(x) & 0x7f800000) == 0x7f800000 && !(x < 0.0f) ? x : y;
}
