/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last of trigger-scan's search: a patch that turns at least 2/5 of the samples is moved about.
 *
 * A stride or a budget may have left out the very place of a trigger, and a patch that half covers it turns some
 * samples only. From each such target's best place the search goes to that of the eight neighbours one row or column
 * away which turns most of the first 64 samples in the search's order, as long as that is more than before and at most
 * 8 times; of equals to the first, row by row. The place it comes to is taken where it turns more of all samples. It
 * ends early where the budget doesn't pay for one more round.
 */
#ifndef LAZARET_GUEST_CHECKS_TRIGGER_SCAN_REFINE_H
#define LAZARET_GUEST_CHECKS_TRIGGER_SCAN_REFINE_H

#include "guest/checks/trigger_scan_search.h"

/* A target's best patch. */
struct scan_found {
    struct scan_place place;
    uint32_t flips; /* of the search's samples; 0: there is none, whatever the place says */
};

/* Forward passes at most. */
uint64_t scan_refine_cost(uint32_t samples, uint32_t targets);

/* Continues a search after scan_search_run; found[targets] is made better where it can be. */
MUST_USE int scan_refine_run(struct scan_search *search, struct scan_found *found, struct error *err);

#endif
