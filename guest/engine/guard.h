/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under AddressSanitizer, memory of the arena that a node has no business with is closed while it runs,
 * so that an operator that leaves its buffers is seen although all buffers are one allocation.
 */
#ifndef LAZARET_GUEST_ENGINE_GUARD_H
#define LAZARET_GUEST_ENGINE_GUARD_H

#include <stddef.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>

static inline void guard_close(const float *memory, size_t count)
{
    ASAN_POISON_MEMORY_REGION(memory, count * sizeof(float));
}

static inline void guard_open(const float *memory, size_t count)
{
    ASAN_UNPOISON_MEMORY_REGION(memory, count * sizeof(float));
}
#else
static inline void guard_close(const float *memory, size_t count)
{
    (void)memory;
    (void)count;
}

static inline void guard_open(const float *memory, size_t count)
{
    (void)memory;
    (void)count;
}
#endif

#endif
