/* SPDX-License-Identifier: Apache-2.0 */
/* Names that come twice, and extents that overlap or lie outside. */
#include "guest/scan/weights/extents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64u

/* Twice the room for `count` elements of `size` bytes where it is full. */
static int grow(struct scan *scan, void **list, size_t count, size_t *room, size_t size, struct error *err)
{
    size_t wanted = *room == 0 ? ROOM_FIRST : *room * 2;
    void *larger;
    int r;

    if (count < *room)
        return 0;
    r = scan_reserve(scan, (wanted - *room) * size, err);
    if (r < 0)
        return r;
    larger = realloc(*list, wanted * size);
    if (larger == NULL) {
        scan_release(scan, (wanted - *room) * size);
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a table");
    }
    *list = larger;
    *room = wanted;
    return 0;
}

int name_set_add(struct name_set *set, const void *name, size_t size, struct error *err)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    void *list = set->hashes;
    int r = grow(set->scan, &list, set->count, &set->room, sizeof set->hashes[0], err);

    set->hashes = list;
    if (r < 0)
        return r;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const uint8_t *)name)[i]) * UINT64_C(0x100000001b3);
    set->hashes[set->count++] = hash;
    return 0;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

    return one < other ? -1 : one > other;
}

bool name_set_repeats(struct name_set *set)
{
    if (set->count > 1)
        qsort(set->hashes, set->count, sizeof set->hashes[0], compare_hashes);
    for (size_t i = 1; i < set->count; i++)
        if (set->hashes[i] == set->hashes[i - 1])
            return true;
    return false;
}

void name_set_close(struct name_set *set)
{
    free(set->hashes);
    scan_release(set->scan, (uint64_t)set->room * sizeof set->hashes[0]);
    set->hashes = NULL;
    set->count = set->room = 0;
}

int extents_add(struct extents *extents, uint64_t first, uint64_t size, struct error *err)
{
    void *list = extents->list;
    int r = grow(extents->scan, &list, extents->count, &extents->room, sizeof extents->list[0], err);

    extents->list = list;
    if (r == 0)
        extents->list[extents->count++] = (struct extent){.first = first, .size = size};
    return r;
}

static int compare_extents(const void *a, const void *b)
{
    const struct extent *one = a, *other = b;

    if (one->first != other->first)
        return one->first < other->first ? -1 : 1;
    return one->size < other->size ? -1 : one->size > other->size;
}

uint64_t extents_align(uint64_t value, uint64_t alignment)
{
    uint64_t rest = value % alignment;

    return rest == 0 || value > UINT64_MAX - alignment ? value : value + alignment - rest;
}

enum extents_fault extents_judge(struct extents *extents, uint64_t room, uint64_t alignment, uint64_t *ret_at,
                                 uint64_t *ret_end)
{
    enum extents_fault fault = EXTENTS_FINE;
    uint64_t end = 0;
    bool packed = true;

    if (extents->count > 1)
        qsort(extents->list, extents->count, sizeof extents->list[0], compare_extents);
    *ret_end = *ret_at = 0;
    for (size_t i = 0; i < extents->count; i++) {
        const struct extent *extent = &extents->list[i];

        if (extent->first < end) {
            *ret_at = extent->first;
            return EXTENTS_OVERLAP;
        }
        packed = packed && extent->first == extents_align(end, alignment);
        if (fault == EXTENTS_FINE && (extent->first > room || extent->size > room - extent->first)) {
            fault = EXTENTS_CUT;
            *ret_at = extent->first;
        }
        if (extent->size > UINT64_MAX - extent->first)
            return EXTENTS_OUTSIDE;
        end = extent->first + extent->size;
        if (fault == EXTENTS_FINE)
            *ret_end = end;
    }
    return fault == EXTENTS_CUT && !packed ? EXTENTS_OUTSIDE : fault;
}

void extents_close(struct extents *extents)
{
    free(extents->list);
    scan_release(extents->scan, (uint64_t)extents->room * sizeof extents->list[0]);
    extents->list = NULL;
    extents->count = extents->room = 0;
}
