/* SPDX-License-Identifier: Apache-2.0 */
/* Memory given out piece by piece and freed at once: what a graph owns. */
#include "guest/model/arena.h"

#include <errno.h>
#include <string.h>

#define ARENA_CHUNK ((size_t)64 * 1024) /* small pieces share chunks of this size */

struct arena_chunk {
    struct arena_chunk *next;
    void *memory;
    size_t used, size;
};

struct arena {
    struct arena_chunk *chunks; /* the first one is where small pieces come from */
};

int arena_create(struct arena **ret_arena)
{
    struct arena *arena = calloc(1, sizeof *arena);

    if (arena == NULL)
        return -ENOMEM;
    *ret_arena = arena;
    return 0;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    while (arena->chunks != NULL) {
        struct arena_chunk *chunk = arena->chunks;

        arena->chunks = chunk->next;
        free(chunk->memory);
        free(chunk);
    }
    free(arena);
}

/* A chunk for a piece of `size` bytes; the current chunk stays first unless the new one has more room left. */
static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = calloc(1, sizeof *chunk);
    struct arena_chunk *first = arena->chunks;

    if (chunk == NULL)
        return NULL;
    chunk->size = size > ARENA_CHUNK ? size : ARENA_CHUNK;
    chunk->memory = aligned_alloc(ARENA_ALIGNMENT, chunk->size);
    if (chunk->memory == NULL) {
        free(chunk);
        return NULL;
    }
    if (first != NULL && size > ARENA_CHUNK) {
        chunk->next = first->next;
        first->next = chunk;
    } else {
        chunk->next = first;
        arena->chunks = chunk;
    }
    return chunk;
}

void *arena_allocate(struct arena *arena, uint64_t count, size_t size)
{
    struct arena_chunk *chunk = arena->chunks;
    size_t bytes;
    void *piece;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    if (bytes == 0)
        bytes = ARENA_ALIGNMENT;
    if (chunk == NULL || chunk->size - chunk->used < bytes) {
        chunk = add_chunk(arena, bytes);
        if (chunk == NULL)
            return NULL;
    }
    piece = (uint8_t *)chunk->memory + chunk->used;
    chunk->used += bytes;
    return piece;
}

char *arena_text(struct arena *arena, const void *bytes, size_t size)
{
    char *text = arena_allocate(arena, size + 1, 1);

    if (text == NULL)
        return NULL;
    if (size > 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}
