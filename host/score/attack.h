/* SPDX-License-Identifier: Apache-2.0 */
/* What an attack did, as the host sees it: curves of predictions, and the figures of one point of them. */
#ifndef LAZARET_HOST_SCORE_ATTACK_H
#define LAZARET_HOST_SCORE_ATTACK_H

#include "base/error.h"
#include "wire/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an attack knows of the model, and how often it looks. */
enum attack_family {
    ATTACK_BLACK_BOX,   /* predictions alone: noise, square */
    ATTACK_SINGLE_STEP, /* one gradient: fgsm */
    ATTACK_ITERATIVE    /* many: pgd */
};

struct attack_curve_point {
    double eps;                 /* in the input's own units */
    const char *eps_text;       /* as the policy writes it */
    const int32_t *predictions; /* one a test sample; the worst over the attack's restarts */
};

struct attack_curve {
    double norm;  /* p ≥ 1, or PLAN_NORM_INF */
    bool minimal; /* each sample stops at the first eps that turns it */
    size_t point_count;
    const struct attack_curve_point *points; /* by ascending eps */
};

/* One attack with all that it was asked for. */
struct attack_run {
    const char *id; /* "fgsm", … */
    enum attack_family family;
    enum plan_goal goal;
    uint32_t restarts, iterations;
    double step; /* a step's length as a share of eps; 0: it has none */
    size_t curve_count;
    const struct attack_curve *curves;
};

struct attack_point {
    uint64_t total;
    uint64_t correct;        /* right under attack, whatever the clean prediction was: comparable with ART */
    uint64_t robust_correct; /* right when clean and right under attack: what thresholds use */
    uint64_t clean_correct;  /* right when clean; attack success is (clean_correct - robust_correct) / clean_correct */
};

/* Labels, clean and attacked predictions of the same `count` samples; errors as accuracy_score()'s. */
MUST_USE int attack_score(const int32_t *labels, const int32_t *clean, const int32_t *attacked, size_t count,
                          uint32_t classes, struct attack_point *ret_point, struct error *err);

/* "untargeted", "next", "least-likely", "random". */
const char *attack_goal_name(enum plan_goal goal);

#endif
