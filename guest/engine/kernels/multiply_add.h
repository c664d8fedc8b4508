/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One term of a sum, in the arithmetic class this file is compiled for (KERNEL_FUSED).
 *
 * Fused without the instruction: the product of two floats is exact in double; the double sum is
 * rounded to odd (the last bit set when inexact), after which rounding it to float is the one
 * rounding of fma (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", 2008).
 */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_MULTIPLY_ADD_H
#define LAZARET_GUEST_ENGINE_KERNELS_MULTIPLY_ADD_H

#include "vector.h"

#if !KERNEL_FUSED

VECTOR_INLINE vector_f32 vector_multiply_add(vector_f32 a, vector_f32 b, vector_f32 sum)
{
    vector_f32 product = a * b;

    return sum + product;
}

#elif defined(__AVX512F__)

VECTOR_INLINE vector_f32 vector_multiply_add(vector_f32 a, vector_f32 b, vector_f32 sum)
{
    return (vector_f32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)sum);
}

#elif defined(__FMA__)

VECTOR_INLINE vector_f32 vector_multiply_add(vector_f32 a, vector_f32 b, vector_f32 sum)
{
    return (vector_f32)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)sum);
}

#else
#define KERNEL_SOFT_FMA 1

typedef double half_f64 __attribute__((vector_size(4 * VECTOR_LANES)));
typedef uint64_t half_u64 __attribute__((vector_size(4 * VECTOR_LANES)));

#if defined(__AVX__)
VECTOR_INLINE half_f64 half_low(vector_f32 v)
{
    return (half_f64)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v));
}

VECTOR_INLINE half_f64 half_high(vector_f32 v)
{
    return (half_f64)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1));
}

VECTOR_INLINE vector_f32 half_join(half_f64 low, half_f64 high)
{
    __m256 joined = _mm256_castps128_ps256(_mm256_cvtpd_ps((__m256d)low));

    return (vector_f32)_mm256_insertf128_ps(joined, _mm256_cvtpd_ps((__m256d)high), 1);
}
#else
VECTOR_INLINE half_f64 half_low(vector_f32 v)
{
    return (half_f64)_mm_cvtps_pd((__m128)v);
}

VECTOR_INLINE half_f64 half_high(vector_f32 v)
{
    return (half_f64)_mm_cvtps_pd(_mm_movehl_ps((__m128)v, (__m128)v));
}

VECTOR_INLINE vector_f32 half_join(half_f64 low, half_f64 high)
{
    return (vector_f32)_mm_movelh_ps(_mm_cvtpd_ps((__m128d)low), _mm_cvtpd_ps((__m128d)high));
}
#endif

/* a·b + c in double, rounded to odd; infinities and NaN have a NaN error term and stay as they are. */
VECTOR_INLINE half_f64 half_odd_sum(half_f64 a, half_f64 b, half_f64 c)
{
    half_f64 product = a * b, sum = product + c, added = sum - product;
    half_f64 error = (product - (sum - added)) + (c - added);
    half_u64 bits = (half_u64)sum, inexact = (half_u64)(error > 0.0) | (half_u64)(error < 0.0);
    half_u64 even = (bits & 1) - 1, opposite = ((half_u64)error ^ bits) >> 63;

    return (half_f64)(bits + ((1 - 2 * opposite) & inexact & even));
}

VECTOR_INLINE vector_f32 vector_multiply_add(vector_f32 a, vector_f32 b, vector_f32 sum)
{
    return half_join(half_odd_sum(half_low(a), half_low(b), half_low(sum)),
                     half_odd_sum(half_high(a), half_high(b), half_high(sum)));
}
#endif

#endif
