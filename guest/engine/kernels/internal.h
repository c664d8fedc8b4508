/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share about a `struct kernels`. */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_INTERNAL_H
#define LAZARET_GUEST_ENGINE_KERNELS_INTERNAL_H

#include "kernels.h"
#include "pool.h"
#include "tables.h"

struct kernels {
    enum kernel_arithmetic arithmetic;
    enum kernel_isa isa;
    const struct elementwise_table *elementwise;
    struct pool *pool;
};

static inline void kernels_free_pointer(struct kernels **kernels)
{
    kernels_free(*kernels);
}

#endif
