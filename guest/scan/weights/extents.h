/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that a container's table fills: names, to find those that come twice, and where tensors lie in their data. */
#ifndef LAZARET_GUEST_SCAN_EXTENTS_H
#define LAZARET_GUEST_SCAN_EXTENTS_H

#include "guest/scan/scan.h"

#include <stddef.h>

/* Both hold memory that is reserved from the scan; made with .scan set and all else 0, and closed at the end. */
struct name_set {
    struct scan *scan;
    uint64_t *hashes;
    size_t count, room;
};

/* -ENOMEM where the scan may hold no more. */
MUST_USE int name_set_add(struct name_set *set, const void *name, size_t size, struct error *err);
/* Whether two names are the same. By a hash of 64 bits: two that share one by malice are an alarm about malice. */
bool name_set_repeats(struct name_set *set);
void name_set_close(struct name_set *set);

struct extent {
    uint64_t first, size;
};

struct extents {
    struct scan *scan;
    struct extent *list;
    size_t count, room;
};

/* What is wrong with a list of extents in `room` bytes of data. */
enum extents_fault {
    EXTENTS_FINE,
    EXTENTS_OVERLAP,
    EXTENTS_OUTSIDE,
    EXTENTS_CUT, /* outside, yet each begins where the one before ends: the end of the file is missing */
};

MUST_USE int extents_add(struct extents *extents, uint64_t first, uint64_t size, struct error *err);
/*
 * Sorts the list by place. *ret_at is where the first fault stands; *ret_end where the last extent ends, up to the
 * fault. Extents begin at multiples of `alignment` in a file that is packed.
 */
enum extents_fault extents_judge(struct extents *extents, uint64_t room, uint64_t alignment, uint64_t *ret_at,
                                 uint64_t *ret_end);
void extents_close(struct extents *extents);

/* The next multiple of an alignment. */
uint64_t extents_align(uint64_t value, uint64_t alignment);

#endif
