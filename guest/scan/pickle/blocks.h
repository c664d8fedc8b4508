/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of 256 values, packed: most values of a pickle differ little from their neighbours (ints, the offsets of
 * strings that follow each other), so that a block takes a few bits to two bytes a value instead of eight.
 *
 * And the stack made of them: the topmost values as they are, all below packed. What it needs is reserved from the
 * scan's memory.
 */
#ifndef LAZARET_GUEST_SCAN_PICKLE_BLOCKS_H
#define LAZARET_GUEST_SCAN_PICKLE_BLOCKS_H

#include "guest/scan/pickle/value.h"
#include "guest/scan/scan.h"

#include <stddef.h>

#define BLOCK_VALUES 256u

/* Where memory is reserved: a scan, or, without one, SCAN_MEMORY_MAX. */
struct pickle_memory {
    struct scan *scan;
    uint64_t used;
    bool exhausted; /* a stack found none to remember its depth by: what is on it is wrong from here on */
};

/* NULL where there is no more. */
void *memory_get(struct pickle_memory *memory, size_t size);
/* The same bytes at another size; NULL, and the old ones stay, where there is no more. */
void *memory_resize(struct pickle_memory *memory, void *bytes, size_t old_size, size_t size);
void memory_put(struct pickle_memory *memory, void *bytes, size_t size);

struct block; /* packed values, in one piece of memory */

/* NULL without memory. */
struct block *block_pack(struct pickle_memory *memory, const pickle_value values[BLOCK_VALUES]);
void block_unpack(const struct block *block, pickle_value ret_values[BLOCK_VALUES]);
pickle_value block_get(const struct block *block, unsigned index);
void block_free(struct pickle_memory *memory, struct block *block);

struct stack {
    struct pickle_memory *memory;
    pickle_value top[2 * BLOCK_VALUES];
    size_t used;           /* of top */
    struct block **blocks; /* below; NULL: forgotten */
    size_t block_count, block_room;
    bool forgot;
};

void stack_init(struct stack *stack, struct pickle_memory *memory);
void stack_free(struct stack *stack);
/* Makes room in top; values that find no memory are forgotten, and are PICKLE_OPAQUE from then on. */
void stack_spill(struct stack *stack);
void stack_refill(struct stack *stack);
pickle_value stack_packed(const struct stack *stack, uint64_t index);
void stack_cut(struct stack *stack, uint64_t size);

static inline uint64_t stack_size(const struct stack *stack)
{
    return (uint64_t)stack->block_count * BLOCK_VALUES + stack->used;
}

static inline void stack_push(struct stack *stack, pickle_value value)
{
    if (stack->used == 2 * BLOCK_VALUES)
        stack_spill(stack);
    stack->top[stack->used++] = value;
}

/* The caller has seen to it that there is one. */
static inline pickle_value stack_pop(struct stack *stack)
{
    if (stack->used == 0)
        stack_refill(stack);
    return stack->top[--stack->used];
}

static inline pickle_value *stack_last(struct stack *stack)
{
    if (stack->used == 0)
        stack_refill(stack);
    return &stack->top[stack->used - 1];
}

static inline pickle_value stack_at(const struct stack *stack, uint64_t index)
{
    uint64_t below = (uint64_t)stack->block_count * BLOCK_VALUES;

    return index >= below ? stack->top[index - below] : stack_packed(stack, index);
}

/* Keeps the first `size` values. */
static inline void stack_truncate(struct stack *stack, uint64_t size)
{
    uint64_t below = (uint64_t)stack->block_count * BLOCK_VALUES;

    if (size >= below)
        stack->used = (size_t)(size - below);
    else
        stack_cut(stack, size);
}

#endif
