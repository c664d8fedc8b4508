/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Robustness: per sample the worst over all attacks, and signs that attacks were blinded.
 *
 * Theory of operation. An adversarial example within eps is one within any larger eps. So for a norm, a sample that was
 * right when clean has broken at the smallest eps at which any point of any attack of that norm turned it, whatever the
 * attack's goal, minimal curves included; it is robust at every smaller eps and broken from there on. All figures
 * follow from that one number a sample: how many are robust at each eps, the median and the 5th percentile of it, and
 * by which attack most samples fell.
 *
 * The curve of a norm has a point for each eps of any curve that is not minimal; where all are, for each of theirs.
 *
 * Masked gradients (Athalye et al. 2018, "Obfuscated gradients", section 3.1; Carlini et al. 2019, "On evaluating
 * adversarial robustness", section 5.5) show in attacks that know more and do worse. Two attacks of the same goal that
 * both have a point at an eps are compared by the samples that broke up to it: only by the one, only by the other. The
 * exact one-sided sign test says whether the one that should be weaker breaks more, Holm's correction runs over all
 * comparisons of an evaluation, and a flag is raised at ROBUSTNESS_ALPHA.
 */
#ifndef LAZARET_HOST_SCORE_ROBUSTNESS_H
#define LAZARET_HOST_SCORE_ROBUSTNESS_H

#include "host/score/attack.h"

#define ROBUSTNESS_RUNS_MAX  PLAN_CHECKS_MAX
#define ROBUSTNESS_NORMS_MAX (ROBUSTNESS_RUNS_MAX * PLAN_CURVES_MAX)
#define ROBUSTNESS_ALPHA     0.01

struct robustness_point {
    const char *eps_text; /* the first spelling of it; borrowed */
    uint64_t robust_correct;
    uint64_t broken[ROBUSTNESS_RUNS_MAX]; /* of the samples right when clean, by each run, up to this eps */
};

struct robustness_curve {
    double norm;
    size_t point_count;
    struct robustness_point *points; /* by ascending eps */
    uint64_t broken;                 /* samples that any point of this norm turned */
    const char *median, *p5;         /* of the smallest eps that turns a sample; NULL: beyond every eps tried */
};

enum robustness_flag { ROBUSTNESS_BLACK_BOX_BEATS_WHITE_BOX, ROBUSTNESS_SINGLE_STEP_BEATS_ITERATIVE };

/* A comparison of two runs at one eps. */
struct robustness_comparison {
    enum robustness_flag flag; /* what it means if the weaker run breaks more */
    double norm;
    const char *eps_text;
    size_t weaker, stronger;                 /* indices of runs */
    uint64_t only_weaker, only_stronger;     /* samples that only one of them broke */
    uint64_t weaker_broken, stronger_broken; /* samples that each broke */
    double p, p_holm;
    bool raised;
};

struct robustness {
    uint64_t total, clean_correct;
    size_t curve_count;
    struct robustness_curve curves[ROBUSTNESS_NORMS_MAX]; /* by the first run that has the norm */
    size_t comparison_count;
    struct robustness_comparison *comparisons;
};

/*
 * Scores `count` samples. Predictions have been checked to be classes. -EINVAL for no or too many runs, -ENOMEM.
 * On success robustness_free() the result; some 30 KiB.
 */
MUST_USE int robustness_score(const int32_t *labels, const int32_t *clean, size_t count, const struct attack_run *runs,
                              size_t run_count, struct robustness *ret_robustness);
void robustness_free(struct robustness *robustness);

#endif
