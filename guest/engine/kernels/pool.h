/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that share a range of independent work; the caller is one of them. */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_POOL_H
#define LAZARET_GUEST_ENGINE_KERNELS_POOL_H

#include "base/error.h"

#include <stddef.h>

struct pool;

/* `worker` is below the pool's number of threads, so that work can have memory of its own. */
typedef void (*pool_work)(void *argument, unsigned worker, size_t first, size_t last);

MUST_USE int pool_create(unsigned threads, struct pool **ret_pool, struct error *err);
void pool_free(struct pool *pool);
unsigned pool_threads(const struct pool *pool);

/*
 * Runs work over [0, count), one contiguous range a thread; returns when all is done. Called by one
 * thread at a time, and not from within work.
 */
void pool_run(struct pool *pool, size_t count, pool_work work, void *argument);

#endif
