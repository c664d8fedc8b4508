/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of one point of an attack's curve. */
#ifndef LAZARET_HOST_SCORE_ATTACK_H
#define LAZARET_HOST_SCORE_ATTACK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct attack_point {
    uint64_t total;
    uint64_t correct;        /* right under attack, whatever the clean prediction was: comparable with ART */
    uint64_t robust_correct; /* right when clean and right under attack: what thresholds use */
    uint64_t clean_correct;  /* right when clean; attack success is (clean_correct - robust_correct) / clean_correct */
};

/* Labels, clean and attacked predictions of the same `count` samples; errors as accuracy_score()'s. */
MUST_USE int attack_score(const int32_t *labels, const int32_t *clean, const int32_t *attacked, size_t count,
                          uint32_t classes, struct attack_point *ret_point, struct error *err);

#endif
