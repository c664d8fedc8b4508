/* SPDX-License-Identifier: Apache-2.0 */
/* From what the guest answered to the input of evaluation.json, for assess.c; what is said of samples, for recheck.c
 * too. */
#ifndef LAZARET_HOST_JOB_ASSESS_FACTS_H
#define LAZARET_HOST_JOB_ASSESS_FACTS_H

#include "host/job/plan_make.h"
#include "host/job/results.h"
#include "host/score/evaluation.h"
#include "host/score/samples.h"

/* Of the one check that is the host's alone; the others' stand in the plan. */
#define ASSESS_VERSION_ROBUSTNESS 1u

struct facts_attack {
    struct attack_curve_point points[PLAN_CURVES_MAX][PLAN_POINTS_MAX];
    struct attack_curve curves[PLAN_CURVES_MAX];
    struct attack_run run;
};

/* Everything that an evaluation_input points at, for one evaluation. Some 100 KiB. */
struct facts {
    struct facts_attack attacks[PLAN_CHECKS_MAX]; /* by the check's index in the plan */
    struct evaluation_cluster *clusters;          /* owned */
    json_t *scan;                                 /* owned */
    struct score_table tables[PLAN_CHECKS_MAX][SCORE_TABLES_MAX];
    struct evaluation_check checks[PLAN_CHECKS_MAX + PLAN_CHECK_ID_COUNT + 1];
    size_t check_count;
};

/*
 * Holds the adversarial samples against their clean inputs. ERROR_GUEST (-EBADMSG) where one is not what its attack
 * allows; the data reader's errors.
 */
MUST_USE int assess_samples(const struct admission *admission, const struct plan_made *made,
                            const struct results *results, struct error *err);

/* What the samples of a curve's point must keep to. It borrows from `made` and `features` (NULL: none). */
struct samples_rule assess_samples_rule(const struct plan_made *made, uint32_t check, uint32_t curve, uint32_t point,
                                        const struct samples_features *features);

/* What the spec says of each element: the features' samples, which `ret_features` points into; the caller frees. */
MUST_USE int assess_read_features(const struct admission *admission, size_t elements, float **ret_values,
                                  struct samples_features *ret_features, struct error *err);

/* Fills in *facts, all zero before: the plan's checks, then robustness where the policy asks for it, then the checks
 * that the host skipped. It borrows from all three. -ENOMEM. */
MUST_USE int facts_state(const struct admission *admission, const struct plan_made *made, const struct results *results,
                         struct facts *facts);
void facts_free(struct facts *facts);

#endif
