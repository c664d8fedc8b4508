/* SPDX-License-Identifier: Apache-2.0 */
/* exp, tanh, erf, sigmoid and log over arrays: the functions of shared/functions.h, a vector at a time. */
#include "tables.h"
#include "vector.h"

#include "shared/functions.h"

/* Whole vectors in place; the rest through a vector of its own. */
#define ELEMENTWISE(name)                                                                                              \
    static void run_##name(const float *x, float *ret_y, size_t count)                                                 \
    {                                                                                                                  \
        size_t i = 0;                                                                                                  \
                                                                                                                       \
        for (; count - i >= VECTOR_LANES; i += VECTOR_LANES)                                                           \
            vector_store(ret_y + i, fixed_##name(vector_load(x + i)));                                                 \
        if (i < count) {                                                                                               \
            float rest[VECTOR_LANES] = {0};                                                                            \
                                                                                                                       \
            memcpy(rest, x + i, (count - i) * sizeof(*x));                                                             \
            vector_store(rest, fixed_##name(vector_load(rest)));                                                       \
            memcpy(ret_y + i, rest, (count - i) * sizeof(*x));                                                         \
        }                                                                                                              \
    }

ELEMENTWISE(exp)
ELEMENTWISE(tanh)
ELEMENTWISE(erf)
ELEMENTWISE(sigmoid)
ELEMENTWISE(log)

const struct elementwise_table VECTOR_JOIN(elementwise, VECTOR_ISA) = {
    .exp = run_exp,
    .tanh = run_tanh,
    .erf = run_erf,
    .sigmoid = run_sigmoid,
    .log = run_log,
};
