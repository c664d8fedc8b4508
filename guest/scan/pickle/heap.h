/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's heap: what containers and results of calls hold. A ring of cells: when it is full, the oldest objects
 * are forgotten. Objects are named by a sequence number that is never used again.
 */
#ifndef LAZARET_GUEST_SCAN_PICKLE_HEAP_H
#define LAZARET_GUEST_SCAN_PICKLE_HEAP_H

#include "guest/scan/pickle/blocks.h"

#define HEAP_CELLS_MIN  4096u   /* powers of two */
#define HEAP_CELLS_MAX  524288u /* 4 MiB */
#define HEAP_OBJECT_MAX 256u    /* cells of an object */

struct heap {
    struct pickle_memory *memory;
    uint64_t *cells;
    uint64_t count, next; /* of cells; sequence number of the next one, from 1 */
};

/* -ENOMEM. */
MUST_USE int heap_init(struct heap *heap, struct pickle_memory *memory);
void heap_free(struct heap *heap);
void heap_grow(struct heap *heap);

/* Takes `size` cells, in one piece; they are not cleared. */
static inline uint64_t heap_take(struct heap *heap, uint32_t size)
{
    uint64_t first;

    if (heap->next + size > heap->count && heap->count < HEAP_CELLS_MAX)
        heap_grow(heap);
    first = heap->next;
    if ((first & (heap->count - 1)) + size > heap->count) /* objects do not wrap */
        first = (first | (heap->count - 1)) + 1;
    heap->next = first + size;
    return first;
}

/* An object's cells; NULL where it is forgotten. They stay until the next heap_take. */
static inline uint64_t *heap_at(const struct heap *heap, uint64_t number)
{
    return number == 0 || number >= heap->next || heap->next - number > heap->count
               ? NULL
               : &heap->cells[number & (heap->count - 1)];
}

#endif
