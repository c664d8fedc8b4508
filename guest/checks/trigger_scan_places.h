/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where trigger-scan puts its patches: every place × side × colour, in the order in which they are tried.
 *
 * Colours of a patch, by number: 0 all channels low, 1 all channels high (the contract's range), 2 a checkerboard whose
 * first element is high (the pattern of BadNets, Gu et al. 2017), 3 one whose first element is low; with three channels
 * also 4 to 9, the other corners of the colour cube: (high, low, low), (low, high, low), (high, high, low),
 * (low, low, high), (high, low, high), (low, high, high).
 * Side 0 isn't a patch: trigger_scan_faint.h.
 *
 * Order, so that a search cut short has looked where triggers usually are and has looked everywhere coarsely:
 * patches in the image's four corners; then those whose place in the grid of places has both numbers divisible by
 * 4; then by 2; then all others. Within each: side ascending, place row by row, colour. Places are 0, stride, 2·stride,
 * … and the last one that fits.
 */
#ifndef LAZARET_GUEST_CHECKS_TRIGGER_SCAN_PLACES_H
#define LAZARET_GUEST_CHECKS_TRIGGER_SCAN_PLACES_H

#include "guest/checks/kept.h"

#define SCAN_PLACES_MAX   (1u << 24) /* that are listed; a budget may list fewer */
#define SCAN_COLOUR_FAINT 16u        /* in a row: a faint pattern over the whole image */

struct scan_place {
    uint16_t row, col, side, colour;
};

struct scan_places {
    struct kept_shape shape;
    float low, high;
    uint64_t total;           /* places there are */
    uint32_t count;           /* of them listed: the first ones */
    struct scan_place *items; /* count */
};

/* Lists at most `most` places. ERROR_UNAVAILABLE, -ENOMEM where the list doesn't fit. */
MUST_USE int scan_places_open(struct scan_places *places, const struct check_context *context,
                              const struct kept_shape *shape, uint64_t most, struct error *err);
void scan_places_close(struct scan_places *places);

/* Puts a patch on one image. */
void scan_places_paint(const struct scan_places *places, const struct scan_place *place, float *x);

/* What a row says of a place: TARGETS_ROW to TARGETS_COLOUR, and the colour of the first element in channels 0, 1 and
 * 2, channels that there aren't as channel 0. */
void scan_places_describe(const struct scan_places *places, const struct scan_place *place, struct message_row *row);

#endif
