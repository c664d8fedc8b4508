/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of cells. */
#include "guest/scan/pickle/heap.h"

#include <errno.h>
#include <string.h>

int heap_init(struct heap *heap, struct pickle_memory *memory)
{
    *heap = (struct heap){.memory = memory, .count = HEAP_CELLS_MIN, .next = 1};
    heap->cells = memory_get(memory, HEAP_CELLS_MIN * sizeof *heap->cells);
    return heap->cells != NULL ? 0 : -ENOMEM;
}

void heap_free(struct heap *heap)
{
    memory_put(heap->memory, heap->cells, heap->count * sizeof *heap->cells);
}

/* Grows before it is full for the first time, so that numbers are places still; where it can't, it begins to forget. */
void heap_grow(struct heap *heap)
{
    uint64_t *cells;

    if (heap->next > heap->count)
        return;
    cells = memory_resize(heap->memory, heap->cells, heap->count * sizeof *cells, heap->count * 2 * sizeof *cells);
    if (cells == NULL)
        return;
    heap->cells = cells;
    heap->count *= 2;
}
