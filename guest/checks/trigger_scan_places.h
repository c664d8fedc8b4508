/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where trigger-scan puts its patches: every place × side × colour, in the order in which they are tried.
 *
 * Colours of a patch, by number: 0 all channels low, 1 all channels high (the contract's range), 2 a checkerboard whose
 * first element is high (the pattern of BadNets, Gu et al. 2017), 3 one whose first element is low; with three channels
 * also 4 to 9, the other corners of the colour cube: (high, low, low), (low, high, low), (high, high, low),
 * (low, low, high), (high, low, high), (low, high, high).
 * Side 0 stands for the whole image under a faint signal (Barni et al. 2019, "SIG"): x + 0.1·(high − low)·sin(2πt)
 * clipped to the range, t going through `cycles` cycles along the columns, the rows or both; its colours are
 * SCAN_SIGNAL_FIRST + 3·(cycles − 1) + {0 columns, 1 rows, 2 both}, cycles 1 to SCAN_SIGNAL_CYCLES.
 *
 * Order, so that a search cut short has looked where triggers usually are and has looked everywhere coarsely: signals;
 * then patches in the image's four corners; then those whose place in the grid of places has both numbers divisible by
 * 4; then by 2; then all others. Within each: side ascending, place row by row, colour. Places are 0, stride, 2·stride,
 * … and the last one that fits.
 */
#ifndef LAZARET_GUEST_CHECKS_TRIGGER_SCAN_PLACES_H
#define LAZARET_GUEST_CHECKS_TRIGGER_SCAN_PLACES_H

#include "guest/checks/kept.h"

#define SCAN_SIGNAL_FIRST  16u
#define SCAN_SIGNAL_CYCLES 8u
#define SCAN_PLACES_MAX    (1u << 24) /* that are listed; a budget may list fewer */

struct scan_place {
    uint16_t row, col, side; /* side 0: the whole image */
    uint16_t colour;
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

/* Puts a patch or a signal on one image. */
void scan_places_paint(const struct scan_places *places, const struct scan_place *place, float *x);

/* What a row says of a place: TARGETS_ROW to TARGETS_COLOUR, and the colour of the first element in channels 0, 1 and
 * 2, channels that there aren't as channel 0; for a signal its amplitude. */
void scan_places_describe(const struct scan_places *places, const struct scan_place *place, struct message_row *row);

/* sin(2π·part/whole), part < whole, within 1e-15, from + - * / alone. */
double scan_places_sine(uint64_t part, uint64_t whole);

#endif
