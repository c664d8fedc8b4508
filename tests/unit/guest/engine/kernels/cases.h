/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels' tests share: every context this CPU can have, random numbers, comparing bits. */
#ifndef LAZARET_TESTS_KERNELS_CASES_H
#define LAZARET_TESTS_KERNELS_CASES_H

#include "guest/engine/kernels/kernels.h"

#define CASES_THREADS 3u
#define CASES_MAX     (4u * 2u * CASES_THREADS)

struct cases_context {
    struct kernels *kernels;
    enum kernel_arithmetic arithmetic;
    enum kernel_isa isa;
    unsigned threads;
};

/* Every instruction set of this CPU × both classes × 1 to CASES_THREADS threads. Returns how many. */
size_t cases_open(struct cases_context ret_contexts[CASES_MAX]);
void cases_close(struct cases_context *contexts, size_t count);

/* A fixed generator, so that a failure can be repeated. */
uint32_t cases_random(uint64_t *state);
size_t cases_between(uint64_t *state, size_t low, size_t high);

/* In [-1, 1), any bits at all, or the first with some zeros and very small numbers among them. */
enum cases_values { CASES_PLAIN, CASES_ANY_BITS, CASES_MIXED };
void cases_fill(uint64_t *state, enum cases_values values, float *ret_values, size_t count);

/* Whether all bits agree; any NaN is equal to any other. */
bool cases_same(const float *a, const float *b, size_t count);

/* Memory that ends the test where there is none. */
float *cases_floats(size_t count);

#endif
