/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trigger-scan's search: for every class the place that turns most samples into it.
 *
 * Theory of operation. One forward pass of a patched sample counts for every target at once: it is a flip to the class
 * that it is predicted as, where the clean sample was predicted as another. Successive halving on samples: every place
 * is tried on the first 8 kept samples, the most promising of each target on the first 32, then 128, then on all. The
 * samples are put in an order that takes the predicted classes in turn, so that few stand for all. After each rung a
 * target keeps the places with most flips, of equals the smaller patch, then the first in the places' order; those
 * without a flip are dropped.
 *
 *   rung (samples)   kept by each of T targets
 *   8                max(16, ceil(places / 4T))
 *   32               max(1, min(8, 256 / T))
 *   128              max(1, min(3, 96 / T))
 *   all              1: the result
 *
 * A rung with more than half of the samples is left out. A budget of forward passes first pays for the clean
 * predictions and the user's triggers. Where the rungs after the first may take more than half of what then is left,
 * the widths above are halved, and again, down to 1, then the samples, down to 8. What the later rungs may take is put
 * aside; a rung that can't pay for all of its places with the rest is cut short. Places are tried in their order, and
 * promoted places each target's best first, then each target's second, and so on. Counts alone decide, so that every
 * machine does the same.
 */
#ifndef LAZARET_GUEST_CHECKS_TRIGGER_SCAN_SEARCH_H
#define LAZARET_GUEST_CHECKS_TRIGGER_SCAN_SEARCH_H

#include "guest/checks/meter.h"
#include "guest/checks/predict.h"
#include "guest/checks/trigger_scan_places.h"

#define SCAN_SCREEN_SAMPLES 8u

/* Flips that one place gives one target. */
struct scan_entry {
    uint32_t place;  /* its index */
    uint32_t extent; /* its side */
    uint32_t flips;  /* 0: no place gave any */
};

struct scan_search {
    const struct kept *kept;
    const struct scan_places *places;
    struct predictor *predictor;
    struct meter *meter;
    uint32_t targets;
    const int32_t *clean;  /* predicted classes of the kept samples */
    const uint32_t *order; /* of the kept samples: kept_order */
    float *images;         /* predictor's slice × an image */
    int32_t *classes;      /* predictor's slice */
    uint64_t budget;       /* forward passes left; UINT64_MAX: no limit */
    uint64_t images_done;  /* forward passes made */
    uint64_t tried;        /* places that the search was not cut short of */
    uint32_t samples;      /* that the result was counted on: the first of the order */
};

/* Forward passes of a whole search, at most. */
uint64_t scan_search_cost(uint64_t places, uint32_t samples, uint32_t targets);

/* The best place of every target: ret_best[targets]. -ENOMEM, or what a forward pass fails with. */
MUST_USE int scan_search_run(struct scan_search *search, struct scan_entry *ret_best, struct error *err);

#endif
