/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of one and of two numbers, element by element: what constants are folded with, and what the engine
 * computes. Values are worked out in double by math64 and rounded once, so that their bits are the same
 * everywhere; derivatives as well.
 *
 * Where a derivative does not exist it is what torch takes, or 0: Abs and Sqrt at 0 have 0, of two equal
 * numbers Min and Max give theirs to the first; steps (Floor, Round, Sign, comparisons) have 0 everywhere.
 * Rounding to a narrower float type has 1.
 */
#ifndef LAZARET_GUEST_MODEL_FUNCTION_H
#define LAZARET_GUEST_MODEL_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

enum function {
    FUNCTION_ABS,
    FUNCTION_NEG,
    FUNCTION_EXP,
    FUNCTION_LOG,
    FUNCTION_SQRT,
    FUNCTION_RECIPROCAL,
    FUNCTION_FLOOR,
    FUNCTION_CEIL,
    FUNCTION_ROUND, /* to even */
    FUNCTION_TRUNCATE,
    FUNCTION_SIGN,
    FUNCTION_SIN,
    FUNCTION_COS,
    FUNCTION_TAN,
    FUNCTION_ASIN,
    FUNCTION_ACOS,
    FUNCTION_ATAN,
    FUNCTION_SINH,
    FUNCTION_COSH,
    FUNCTION_ASINH,
    FUNCTION_ACOSH,
    FUNCTION_ATANH,
    FUNCTION_SOFTPLUS,
    FUNCTION_SOFTSIGN,
    FUNCTION_SELU,             /* beta·(x for x > 0, else alpha·(exp(x) − 1)) */
    FUNCTION_CELU,             /* max(0, x) + min(0, alpha·(exp(x/alpha) − 1)) */
    FUNCTION_THRESHOLDED_RELU, /* x for x > alpha, else 0 */
    FUNCTION_MISH,
    FUNCTION_HARD_SWISH, /* x·clip(x/6 + 1/2, 0, 1) */
    FUNCTION_SHRINK,     /* x + beta for x < −alpha, x − beta for x > alpha, else 0 */
    FUNCTION_NOT,        /* truths are 0 and 1 */
    FUNCTION_IS_NAN,
    FUNCTION_IS_INF,   /* alpha: of +infinity, beta: of −infinity, 0 or 1 */
    FUNCTION_IS_OTHER, /* than 0: a cast to bool */
    FUNCTION_HALF,     /* rounded to float16 */
    FUNCTION_BFLOAT16, /* rounded to bfloat16 */
    FUNCTION_WRAP,     /* an integer modulo alpha, a power of two, from beta on */
    FUNCTION_COUNT
};

enum function2 {
    FUNCTION2_POW,
    FUNCTION2_MIN,
    FUNCTION2_MAX,
    FUNCTION2_MOD,  /* the divisor's sign */
    FUNCTION2_FMOD, /* the dividend's sign */
    FUNCTION2_DIVIDE_INTEGERS,
    FUNCTION2_PRELU, /* x for x >= 0, else x·slope */
    FUNCTION2_EQUAL, /* truths are 0 and 1 from here on */
    FUNCTION2_LESS,
    FUNCTION2_LESS_OR_EQUAL,
    FUNCTION2_GREATER,
    FUNCTION2_GREATER_OR_EQUAL,
    FUNCTION2_AND,
    FUNCTION2_OR,
    FUNCTION2_XOR,
    FUNCTION2_COUNT
};

const char *function_name(enum function function); /* ONNX's, for messages */
const char *function2_name(enum function2 function);

float function_value(enum function function, float x, float alpha, float beta);
float function_slope(enum function function, float x, float alpha, float beta);

float function2_value(enum function2 function, float a, float b);
/* The derivative with respect to a (operand 0) or b (operand 1). */
float function2_slope(enum function2 function, unsigned operand, float a, float b);

static inline bool function2_is_truth(enum function2 function)
{
    return function >= FUNCTION2_EQUAL;
}

#endif
