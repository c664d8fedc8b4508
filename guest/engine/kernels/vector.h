/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One vector register's worth of floats, in whatever instruction set this file is compiled for.
 *
 * Every operation is done lane by lane and rounded as IEEE 754 says, so the number of lanes never
 * shows in a result. No gathers (QEMU 7.2 decodes some of them wrongly), no approximate
 * reciprocals.
 */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_VECTOR_H
#define LAZARET_GUEST_ENGINE_KERNELS_VECTOR_H

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What the build names this instruction set; it becomes part of the exported symbols. */
#if defined(__AVX512F__)
#define VECTOR_LANES 16
#define VECTOR_ISA   avx512
#elif defined(__AVX2__)
#define VECTOR_LANES 8
#define VECTOR_ISA   avx2
#elif defined(__AVX__)
#define VECTOR_LANES 8
#define VECTOR_ISA   avx
#else
#define VECTOR_LANES 4
#define VECTOR_ISA   sse2
#endif

#define VECTOR_JOIN_(a, b) a##_##b
#define VECTOR_JOIN(a, b)  VECTOR_JOIN_(a, b)

#ifdef __clang__
#define VECTOR_UNROLL _Pragma("unroll")
#else
#define VECTOR_UNROLL _Pragma("GCC unroll 32")
#endif

#define VECTOR_INLINE static inline __attribute__((always_inline))

typedef float vector_f32 __attribute__((vector_size(4 * VECTOR_LANES)));
typedef int32_t vector_i32 __attribute__((vector_size(4 * VECTOR_LANES)));
typedef uint32_t vector_u32 __attribute__((vector_size(4 * VECTOR_LANES)));

VECTOR_INLINE vector_f32 vector_load(const float *from)
{
    vector_f32 v;

    memcpy(&v, from, sizeof(v));
    return v;
}

VECTOR_INLINE void vector_store(float *to, vector_f32 v)
{
    memcpy(to, &v, sizeof(v));
}

VECTOR_INLINE vector_f32 vector_all(float value)
{
    return value - (vector_f32){0}; /* a broadcast: x - 0 is x, for -0 and NaN as well */
}

VECTOR_INLINE vector_i32 vector_bits(vector_f32 v)
{
    return (vector_i32)v;
}

VECTOR_INLINE vector_f32 vector_float(vector_i32 bits)
{
    return (vector_f32)bits;
}

/* yes where the mask's lane is all ones, no where it is zero. */
VECTOR_INLINE vector_f32 vector_select(vector_i32 mask, vector_f32 yes, vector_f32 no)
{
    return (vector_f32)((mask & (vector_i32)yes) | (~mask & (vector_i32)no));
}

/* +0 for what is not above zero; a NaN stays. */
VECTOR_INLINE vector_f32 vector_above_zero(vector_f32 v)
{
#if defined(__AVX512F__)
    return (vector_f32)_mm512_maskz_mov_ps(_mm512_cmp_ps_mask((__m512)v, _mm512_setzero_ps(), _CMP_NLE_UQ), (__m512)v);
#else
    return vector_float(vector_bits(v) & ~(v <= 0.0f));
#endif
}

/* --- the words of shared/functions.h ------------------------------------------------------------------- */

#define SHARED_INLINE VECTOR_INLINE
typedef vector_f32 real;
typedef vector_i32 integer;
typedef vector_u32 natural;
#define AS_REAL(x)                  ((real)(x))
#define AS_INTEGER(x)               ((integer)(x))
#define AS_NATURAL(x)               ((natural)(x))
#define REAL(constant)              vector_all(constant)
#define MASK(comparison)            (comparison)
#define CHOOSE(comparison, yes, no) vector_select(comparison, yes, no)

#endif
