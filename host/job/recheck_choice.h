/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which inputs a recheck looks at again, for recheck.c and its tests.
 *
 * Everything follows from a seed that the guest of the evaluation can't know (recheck.h): the test inputs that are
 * opened, the curve point of each attack on each of them, the clean inputs, and the order in which all of them are
 * sent. Draws are SHA-256(seed ‖ u64le counter), its first eight bytes little-endian, taken below n by rejection.
 */
#ifndef LAZARET_HOST_JOB_RECHECK_CHOICE_H
#define LAZARET_HOST_JOB_RECHECK_CHOICE_H

#include "host/job/results.h"
#include "host/policy/policy.h"

/* One adversarial input: of which point. Entry i is of attack i % attack_count on test input places[i / attack_count].
 */
struct recheck_entry {
    uint32_t curve, point;
};

struct recheck_choice {
    uint32_t attack_count;
    uint32_t attacks[PLAN_CHECKS_MAX]; /* indices in the plan: those that were made */
    uint32_t place_count;
    uint32_t places[PLAN_PLACES_MAX]; /* test inputs that are opened, rising */
    uint32_t entry_count;
    struct recheck_entry entries[POLICY_RECHECK_MAX];
    uint32_t clean_count;
    uint32_t clean[POLICY_RECHECK_MAX];     /* test inputs, rising */
    uint32_t order[2 * POLICY_RECHECK_MAX]; /* a permutation of entries, then clean inputs */
};

/* The entry's attack, as an index in the plan, and its test input. */
uint32_t recheck_choice_check(const struct recheck_choice *choice, uint32_t entry);
uint32_t recheck_choice_place(const struct recheck_choice *choice, uint32_t entry);

/*
 * Chooses `count` adversarial inputs (fewer where the test set is smaller: one an attack and test input at most) and
 * as many clean ones. Of each attack every other entry is, where there is one, at a point where the guest claims that
 * the attack turned the input, the rest where it claims that it did not.
 */
void recheck_choose(const struct results *claims, const uint8_t seed[SHA256_SIZE], uint32_t count,
                    struct recheck_choice *ret_choice);

#endif
