/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementary functions in double by one fixed sequence of additions, multiplications, divisions and square
 * roots, so that their bits are the same on every machine. Meant for arguments that are f32 and results that
 * are rounded to f32: errors are a few units of double's last place.
 */
#ifndef LAZARET_GUEST_MODEL_MATH64_H
#define LAZARET_GUEST_MODEL_MATH64_H

double math64_exp(double x); /* 0 below -700 */
double math64_expm1(double x);
double math64_log(double x); /* of normal numbers; NaN below 0 */
double math64_log1p(double x);
double math64_pow(double x, double y); /* x and y f32; C's special cases */
double math64_sqrt(double x);

/* Of an f32: reduced exactly by an integer product with 2/pi. NaN for infinities. */
double math64_sin(float x);
double math64_cos(float x);
double math64_tan(float x);

double math64_atan(double x);
double math64_asin(double x); /* NaN beyond [-1, 1] */
double math64_acos(double x);
double math64_sinh(double x);
double math64_cosh(double x);
double math64_tanh(double x);
double math64_asinh(double x);
double math64_acosh(double x); /* NaN below 1 */
double math64_atanh(double x); /* infinite at ±1, NaN beyond */

#endif
