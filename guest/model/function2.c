/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of two numbers. */
#include "guest/model/function.h"

#include "guest/model/math64.h"

#include <math.h>
#include <string.h>

static const char *const names[FUNCTION2_COUNT] = {
    [FUNCTION2_POW] = "Pow",
    [FUNCTION2_MIN] = "Min",
    [FUNCTION2_MAX] = "Max",
    [FUNCTION2_MOD] = "Mod",
    [FUNCTION2_FMOD] = "Mod",
    [FUNCTION2_DIVIDE_INTEGERS] = "Div",
    [FUNCTION2_PRELU] = "PRelu",
    [FUNCTION2_EQUAL] = "Equal",
    [FUNCTION2_LESS] = "Less",
    [FUNCTION2_LESS_OR_EQUAL] = "LessOrEqual",
    [FUNCTION2_GREATER] = "Greater",
    [FUNCTION2_GREATER_OR_EQUAL] = "GreaterOrEqual",
    [FUNCTION2_AND] = "And",
    [FUNCTION2_OR] = "Or",
    [FUNCTION2_XOR] = "Xor",
};

const char *function2_name(enum function2 function)
{
    return (unsigned)function < FUNCTION2_COUNT ? names[function] : "?";
}

/*
 * What is left of a when the largest multiple of |b| not beyond it is taken away: exact, as every difference of
 * a and b·2^n >= a/2 is.
 */
static double remainder_of(double a, double b)
{
    double rest = a < 0 ? -a : a, part = b < 0 ? -b : b, scaled = part;

    if (!(rest < (double)INFINITY) || part == 0 || part != part)
        return (double)NAN;
    if (part == (double)INFINITY)
        return a;
    while (scaled <= rest * 0.5)
        scaled *= 2.0;
    for (; scaled >= part; scaled *= 0.5)
        if (rest >= scaled)
            rest -= scaled;
    return a < 0 ? -rest : rest;
}

static float modulo(float a, float b)
{
    double rest = remainder_of((double)a, (double)b);

    if (rest != 0 && (rest < 0) != (b < 0))
        rest += (double)b;
    return (float)rest;
}

static float divide_integers(float a, float b)
{
    double quotient = (double)a / (double)b; /* of integers below 2^24: never rounded up to one */

    return b == 0 ? 0.0f : (float)(int64_t)quotient;
}

static float truth(bool holds)
{
    return holds ? 1.0f : 0.0f;
}

float function2_value(enum function2 function, float a, float b)
{
    switch (function) {
    case FUNCTION2_POW:
        return (float)math64_pow((double)a, (double)b);
    case FUNCTION2_MIN:
        return a != a || a <= b ? a : b;
    case FUNCTION2_MAX:
        return a != a || a >= b ? a : b;
    case FUNCTION2_MOD:
        return modulo(a, b);
    case FUNCTION2_FMOD:
        return (float)remainder_of((double)a, (double)b);
    case FUNCTION2_DIVIDE_INTEGERS:
        return divide_integers(a, b);
    case FUNCTION2_PRELU:
        return a < 0 ? a * b : a;
    case FUNCTION2_EQUAL:
        return truth(a == b);
    case FUNCTION2_LESS:
        return truth(a < b);
    case FUNCTION2_LESS_OR_EQUAL:
        return truth(a <= b);
    case FUNCTION2_GREATER:
        return truth(a > b);
    case FUNCTION2_GREATER_OR_EQUAL:
        return truth(a >= b);
    case FUNCTION2_AND:
        return truth(a != 0 && b != 0);
    case FUNCTION2_OR:
        return truth(a != 0 || b != 0);
    default:
        return truth((a != 0) != (b != 0));
    }
}

static float pow_slope(unsigned operand, float a, float b)
{
    if (operand == 0)
        return b == 0 ? 0.0f : (float)((double)b * math64_pow((double)a, (double)b - 1.0));
    return a <= 0 ? 0.0f : (float)(math64_pow((double)a, (double)b) * math64_log((double)a));
}

float function2_slope(enum function2 function, unsigned operand, float a, float b)
{
    bool first;

    switch (function) {
    case FUNCTION2_POW:
        return pow_slope(operand, a, b);
    case FUNCTION2_MIN:
    case FUNCTION2_MAX:
        first = function2_value(function, a, b) == a || a != a;
        return truth(first == (operand == 0));
    case FUNCTION2_MOD:
    case FUNCTION2_FMOD:
        if (operand == 0)
            return 1.0f;
        return -function_value(function == FUNCTION2_MOD ? FUNCTION_FLOOR : FUNCTION_TRUNCATE, a / b, 0, 0);
    case FUNCTION2_PRELU:
        if (operand == 0)
            return a < 0 ? b : 1.0f;
        return a < 0 ? a : 0.0f;
    default:
        return 0.0f;
    }
}
