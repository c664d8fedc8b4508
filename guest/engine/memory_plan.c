/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placing buffers in an arena.
 *
 * The plan plays the run: at each step it takes the buffers that start there out of a list of free
 * ranges (best fit; the arena grows where none is large enough) and puts back those that have ended.
 */
#include "guest/engine/memory_plan.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct range {
    size_t offset, size;
};

struct arena {
    struct range *free; /* owned; ascending, never touching each other */
    size_t free_count;
    size_t end; /* the arena's size so far */
};

/* Room for a buffer: the smallest free range that holds it, else the end of the arena. */
static int arena_take(struct arena *arena, size_t size, size_t *ret_offset)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < arena->free_count; i++)
        if (arena->free[i].size >= size && (best == SIZE_MAX || arena->free[i].size < arena->free[best].size))
            best = i;
    if (best == SIZE_MAX) {
        struct range *last = arena->free_count == 0 ? NULL : &arena->free[arena->free_count - 1];
        size_t start = last != NULL && last->offset + last->size == arena->end ? last->offset : arena->end;

        if (__builtin_add_overflow(start, size, &arena->end) || arena->end > SIZE_MAX / (2 * sizeof(float)))
            return -EOVERFLOW;
        if (last != NULL && start == last->offset)
            arena->free_count--;
        *ret_offset = start;
        return 0;
    }
    *ret_offset = arena->free[best].offset;
    arena->free[best].offset += size;
    arena->free[best].size -= size;
    if (arena->free[best].size == 0) {
        memmove(&arena->free[best], &arena->free[best + 1], (arena->free_count - best - 1) * sizeof(arena->free[0]));
        arena->free_count--;
    }
    return 0;
}

/* Puts a range back, joined with its neighbours. */
static void arena_put(struct arena *arena, size_t offset, size_t size)
{
    size_t place = 0;
    struct range *at;

    while (place < arena->free_count && arena->free[place].offset < offset)
        place++;
    memmove(&arena->free[place + 1], &arena->free[place], (arena->free_count - place) * sizeof(arena->free[0]));
    arena->free[place] = (struct range){.offset = offset, .size = size};
    arena->free_count++;
    if (place + 1 < arena->free_count && offset + size == arena->free[place + 1].offset) {
        arena->free[place].size += arena->free[place + 1].size;
        memmove(&arena->free[place + 1], &arena->free[place + 2],
                (arena->free_count - place - 2) * sizeof(arena->free[0]));
        arena->free_count--;
    }
    at = &arena->free[place];
    if (place > 0 && at[-1].offset + at[-1].size == at->offset) {
        at[-1].size += at->size;
        memmove(at, at + 1, (arena->free_count - place - 1) * sizeof(arena->free[0]));
        arena->free_count--;
    }
}

static int by_first(const void *a, const void *b)
{
    const struct memory_buffer *x = *(struct memory_buffer *const *)a;
    const struct memory_buffer *y = *(struct memory_buffer *const *)b;

    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int by_last(const void *a, const void *b)
{
    const struct memory_buffer *x = *(struct memory_buffer *const *)a;
    const struct memory_buffer *y = *(struct memory_buffer *const *)b;

    if (x->last != y->last)
        return x->last < y->last ? -1 : 1;
    return x < y ? -1 : x > y;
}

static size_t aligned(size_t size)
{
    return (size + MEMORY_PLAN_ALIGNMENT - 1) / MEMORY_PLAN_ALIGNMENT * MEMORY_PLAN_ALIGNMENT;
}

int memory_plan(struct memory_buffer *buffers, size_t count, size_t *ret_arena_size)
{
    CLEANUP_FREE struct memory_buffer **starts = calloc(count + 1, sizeof(*starts));
    CLEANUP_FREE struct memory_buffer **ends = calloc(count + 1, sizeof(*ends));
    CLEANUP_FREE struct range *ranges = calloc(count + 1, sizeof(*ranges));
    struct arena arena = {.free = ranges};
    size_t ended = 0;

    if (starts == NULL || ends == NULL || ranges == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        starts[i] = ends[i] = &buffers[i];
    qsort(starts, count, sizeof(*starts), by_first);
    qsort(ends, count, sizeof(*ends), by_last);
    for (size_t i = 0; i < count; i++) {
        int ret;

        /* A buffer that ends before this one starts has started before it, too. */
        for (; ends[ended]->last < starts[i]->first; ended++)
            arena_put(&arena, ends[ended]->offset, aligned(ends[ended]->size));
        if (starts[i]->size > SIZE_MAX / (2 * sizeof(float)))
            return -EOVERFLOW;
        ret = arena_take(&arena, aligned(starts[i]->size), &starts[i]->offset);
        if (ret < 0)
            return ret;
    }
    *ret_arena_size = arena.end;
    return 0;
}
