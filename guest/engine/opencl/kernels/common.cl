/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all kernels share: no contraction, what is done to a result as it is written, and words for the texts that
 * they have in common with the processor's kernels.
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

/* --- the words of guest/engine/kernels/shared, whose text comes next ------------------------------------------ */

#define SHARED_INLINE static
#define real          float
#define integer       int
#define natural       uint
#define AS_REAL(x)    as_float(x)
#define AS_INTEGER(x) as_int(x)
#define AS_NATURAL(x) as_uint(x)
#define REAL(constant) (constant)
#define MASK(comparison) (-(comparison))
#define CHOOSE(comparison, yes, no) ((comparison) ? (yes) : (no))
