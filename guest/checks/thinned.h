/* SPDX-License-Identifier: Apache-2.0 */
/* Points of a stream of unknown length, thinned evenly to what wire/points.h lets through. */
#ifndef LAZARET_GUEST_CHECKS_THINNED_H
#define LAZARET_GUEST_CHECKS_THINNED_H

#include "wire/points.h"

struct thinned {
    uint32_t limit, count;
    uint64_t seen, stride; /* every stride-th is kept, a power of two */
    uint8_t *bytes;        /* owned: limit × POINTS_SIZE, from the first point on */
};

/* An empty list of at most `limit` points; 0: none is kept. */
void thinned_start(struct thinned *thinned, uint32_t limit);

/* The stream's next point. -ENOMEM. */
MUST_USE int thinned_add(struct thinned *thinned, double x, double y, uint8_t cluster);

void thinned_free(struct thinned *thinned);

#endif
