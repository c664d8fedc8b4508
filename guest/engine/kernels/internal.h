/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share about a `struct kernels`. */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_INTERNAL_H
#define LAZARET_GUEST_ENGINE_KERNELS_INTERNAL_H

#include "kernels.h"
#include "pool.h"
#include "tables.h"
#include "winograd_loops.h"

struct kernels {
    enum kernel_arithmetic arithmetic;
    enum kernel_isa isa;
    const struct elementwise_table *elementwise;
    const struct product_table *product;
    const struct winograd_table *winograd;
    struct pool *pool;
    struct device *device; /* or NULL */
    float *scratch; /* of the call under way; kept, as fresh pages are slow */
    size_t scratch_size;
};

#define KERNELS_ALIGNMENT 64u /* a line of the cache; the widest vector */

/* Rounds up to whole cache lines of floats. */
static inline size_t kernels_round_floats(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

/*
 * pool_run for work of so many products (or as slow elements) in all: little work is done at once by
 * the caller, as waking a thread takes longer.
 */
void kernels_share(struct kernels *kernels, double products, size_t count, pool_work work, void *argument);

/* Memory until the next call of this function, KERNELS_ALIGNMENT aligned, or NULL. */
float *kernels_scratch(struct kernels *kernels, size_t floats);

static inline void kernels_free_pointer(struct kernels **kernels)
{
    kernels_free(*kernels);
}

#endif
