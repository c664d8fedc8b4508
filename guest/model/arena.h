/* SPDX-License-Identifier: Apache-2.0 */
/* Memory given out piece by piece and freed at once: what a graph owns. */
#ifndef LAZARET_GUEST_MODEL_ARENA_H
#define LAZARET_GUEST_MODEL_ARENA_H

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define ARENA_ALIGNMENT 64u

struct arena;

MUST_USE int arena_create(struct arena **ret_arena);
void arena_free(struct arena *arena);

/* `count` × `size` bytes, uninitialised, aligned to ARENA_ALIGNMENT; NULL where memory is short or the product
 * overflows. */
void *arena_allocate(struct arena *arena, uint64_t count, size_t size);

/* A copy of `size` bytes with a NUL behind them, or NULL. */
char *arena_text(struct arena *arena, const void *bytes, size_t size);

#endif
