/* SPDX-License-Identifier: Apache-2.0 */
/* The loops that are compiled once for each instruction set, as tables of functions. */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_TABLES_H
#define LAZARET_GUEST_ENGINE_KERNELS_TABLES_H

#include <stddef.h>

typedef void elementwise_function(const float *x, float *ret_y, size_t count);

/* elementwise.c; the same in both arithmetic classes */
struct elementwise_table {
    elementwise_function *exp, *tanh, *erf, *sigmoid, *log;
};

extern const struct elementwise_table elementwise_sse2, elementwise_avx, elementwise_avx2,
    elementwise_avx512;

#endif
