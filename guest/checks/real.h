/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementary functions in f64 that give the same bits on every machine.
 *
 * A C library picks its exp and log by the processor (with or without fused multiply-add), so that
 * their last bits differ between hosts. These use + - * / in one order and nothing else. Errors are
 * against the correctly rounded value, the largest of 60,000 points a function over the whole range
 * (tests/fixtures/checks/real.py makes them).
 */
#ifndef LAZARET_GUEST_CHECKS_REAL_H
#define LAZARET_GUEST_CHECKS_REAL_H

#include <stdint.h>

#define REAL_PI    3.14159265358979323846
#define REAL_SQRT2 1.41421356237309504880

/* At most one ulp off, subnormal results too. ∞ beyond 709.78, 0 below −745.13, NaN of NaN. */
double real_exp(double x);

/* The natural logarithm, at most one ulp off. −∞ of 0, NaN below it, ∞ of ∞, NaN of NaN. */
double real_log(double x);

/* At most one ulp off; ±1 beyond ±19.1, NaN of NaN. */
double real_tanh(double x);

/* x^n by squaring: relative error at most about n·2^-53. 1 of n = 0. */
double real_power(double x, uint64_t n);

/* ln(n!), n ≥ 0 a whole number; at most two ulps off. */
double real_log_factorial(double n);

/*
 * What Stirling's formula lacks: ln(n!) − ½ln(2πn) − n ln(n) + n, for whole n ≥ 1, at most two
 * ulps off (asymptotic series, Abramowitz and Stegun 6.1.41; a table below 16).
 */
double real_stirling_rest(double n);

#endif
