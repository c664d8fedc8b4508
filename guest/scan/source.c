/* SPDX-License-Identifier: Apache-2.0 */
/* Sources over memory and over ranges; the calls that every source answers. */
#include "guest/scan/source.h"

#include "guest/scan/limits.h"

#include <errno.h>
#include <string.h>

int source_view(struct source *source, uint64_t offset, size_t want, const uint8_t **ret_bytes, size_t *ret_size,
                struct error *err)
{
    if (want > SCAN_VIEW_MAX)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a view of %zu bytes was asked for", want);
    return source->class->view(source, offset, want, ret_bytes, ret_size, err);
}

int source_size(struct source *source, uint64_t *ret_size, struct error *err)
{
    return source->class->size(source, ret_size, err);
}

int source_copy(struct source *source, uint64_t offset, void *ret_bytes, size_t size, struct error *err)
{
    for (size_t done = 0; done < size;) {
        size_t want = size - done < SCAN_VIEW_MAX ? size - done : SCAN_VIEW_MAX, got;
        const uint8_t *bytes;
        int r = source_view(source, offset + done, want, &bytes, &got, err);

        if (r < 0)
            return r;
        if (got < want)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%zu bytes are missing at offset %llu", want - got,
                             (unsigned long long)(offset + done + got));
        memcpy((uint8_t *)ret_bytes + done, bytes, want);
        done += want;
    }
    return 0;
}

bool source_has(struct source *source, uint64_t offset, const void *bytes, size_t size)
{
    const uint8_t *found;
    size_t got;

    return source_view(source, offset, size, &found, &got, NULL) == 0 && got >= size && memcmp(found, bytes, size) == 0;
}

void source_free(struct source *source)
{
    if (source != NULL)
        source->class->free(source);
}

static void free_plain(struct source *source)
{
    free(source);
}

/* --- memory ------------------------------------------------------------------------------------------- */

struct memory {
    struct source source;
    const uint8_t *data;
    uint64_t size;
};

static int memory_view(struct source *source, uint64_t offset, size_t want, const uint8_t **ret_bytes, size_t *ret_size,
                       struct error *err)
{
    const struct memory *memory = (const struct memory *)source;

    (void)want;
    (void)err;
    *ret_size = offset < memory->size ? (size_t)(memory->size - offset) : 0;
    *ret_bytes = *ret_size > 0 ? memory->data + offset : memory->data;
    return 0;
}

static int memory_size(struct source *source, uint64_t *ret_size, struct error *err)
{
    (void)err;
    *ret_size = ((const struct memory *)source)->size;
    return 0;
}

struct source *source_of_memory(const void *data, uint64_t size)
{
    static const struct source_class class = {.view = memory_view, .size = memory_size, .free = free_plain};
    struct memory *memory = calloc(1, sizeof *memory);

    if (memory == NULL)
        return NULL;
    *memory = (struct memory){.source = {.class = &class}, .data = data, .size = size};
    return &memory->source;
}

/* --- ranges ------------------------------------------------------------------------------------------- */

struct range {
    struct source source, *parent;
    uint64_t first, size; /* size: as asked for; the parent may end before */
};

static int range_view(struct source *source, uint64_t offset, size_t want, const uint8_t **ret_bytes, size_t *ret_size,
                      struct error *err)
{
    const struct range *range = (const struct range *)source;
    uint64_t left = offset < range->size ? range->size - offset : 0;
    int r;

    if (want > left)
        want = (size_t)left;
    r = source_view(range->parent, range->first + (offset < range->size ? offset : range->size), want, ret_bytes,
                    ret_size, err);
    if (r == 0 && *ret_size > left)
        *ret_size = (size_t)left;
    return r;
}

static int range_size(struct source *source, uint64_t *ret_size, struct error *err)
{
    const struct range *range = (const struct range *)source;
    uint64_t whole;
    int r = source_size(range->parent, &whole, err);

    if (r < 0)
        return r;
    whole = range->first < whole ? whole - range->first : 0;
    *ret_size = range->size < whole ? range->size : whole;
    return 0;
}

struct source *source_of_range(struct source *parent, uint64_t offset, uint64_t size)
{
    static const struct source_class class = {.view = range_view, .size = range_size, .free = free_plain};
    struct range *range = calloc(1, sizeof *range);

    if (range == NULL)
        return NULL;
    if (size > UINT64_MAX - offset) /* no offset of this source overflows the parent's */
        size = UINT64_MAX - offset;
    *range = (struct range){.source = {.class = &class}, .parent = parent, .first = offset, .size = size};
    return &range->source;
}
