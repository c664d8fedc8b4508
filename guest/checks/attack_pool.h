/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Iterated attacks on many inputs at once, for every point of every curve.
 *
 * A pool of slots, as many as the network computes together, holds the inputs in flight. An input leaves its
 * slot as soon as it is broken or its tries are used up, and the next one takes the slot, so that the network
 * never works on an input that is done. Inputs meet nowhere: what happens to one depends on it alone.
 *
 * Within a curve, whose eps ascend, an input that was broken at one point is broken at all later ones by the
 * same adversarial input, and is not attacked again. An input whose clean prediction counts as broken is never
 * attacked.
 */
#ifndef LAZARET_GUEST_CHECKS_ATTACK_POOL_H
#define LAZARET_GUEST_CHECKS_ATTACK_POOL_H

#include "guest/checks/attack.h"

/* One point of one curve on one window. */
struct attack_point {
    struct attack *attack;
    const struct check_window *window;
    struct fgsm_step step; /* its `step` is eps: methods set their own */
    bool first;            /* of the check's points */
};

struct attack_slot {
    uint32_t sample;    /* of the window */
    uint32_t restart;   /* counted by the method */
    uint32_t iteration; /* counted by the method */
};

/* What a method does with the slots, which are its own to fill; `self` is its state. */
struct attack_method {
    /* The slot is given to slot->sample. */
    void (*start)(void *self, const struct attack_point *point, const struct attack_slot *slots, uint32_t k);
    /* Runs the network for slots [0, live). */
    MUST_USE int (*evaluate)(void *self, const struct attack_point *point, const struct attack_slot *slots,
                             uint32_t live, struct error *err);
    /* Takes what came out and makes the next move; true when the sample's tries are used up or it is broken. */
    bool (*advance)(void *self, const struct attack_point *point, struct attack_slot *slot, uint32_t k);
    /* Slot `from` becomes slot `to`. */
    void (*move)(void *self, uint32_t from, uint32_t to);
};

struct attack_pool {
    struct attack_slot *slots; /* as many as the predictor's slice */
    int32_t *clean;            /* window: clean predictions */
};

MUST_USE int attack_pool_open(struct attack_pool *pool, const struct attack *attack, struct error *err);
void attack_pool_close(struct attack_pool *pool);

/* A whole window of the test set: labels and targets, then all points, each published. */
MUST_USE int attack_pool_run(struct attack_pool *pool, struct attack *attack, const struct attack_method *method,
                             void *self, const struct check_window *window, struct error *err);

#endif
