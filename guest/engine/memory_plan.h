/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory plan: where in one arena each buffer of a run lies, worked out before the run.
 *
 * A run is a row of steps. A buffer is needed from its first to its last step, both included; buffers
 * whose steps don't meet may share memory.
 */
#ifndef LAZARET_GUEST_ENGINE_MEMORY_PLAN_H
#define LAZARET_GUEST_ENGINE_MEMORY_PLAN_H

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define MEMORY_PLAN_ALIGNMENT 16u /* floats: 64 bytes */

struct memory_buffer {
    size_t size;          /* in floats, at least 1 */
    uint32_t first, last; /* steps */
    size_t offset;        /* in floats: the plan's answer */
};

/*
 * Gives each of the buffers its offset (best fit among what is free, buffers taken by first step) and
 * says how many floats the arena needs. -ENOMEM without memory, -EOVERFLOW when that number is too large.
 */
MUST_USE int memory_plan(struct memory_buffer *buffers, size_t count, size_t *ret_arena_size);

#endif
