/* SPDX-License-Identifier: Apache-2.0 */
/* The plan that the guest gets, made from policy and data alone; and its document, plan.json. */
#ifndef LAZARET_HOST_JOB_PLAN_MAKE_H
#define LAZARET_HOST_JOB_PLAN_MAKE_H

#include "host/job/admission.h"
#include "wire/plan.h"

#include <jansson.h>

/* Versions of the checks: a change of any bit of a check's result is a new version (DESIGN, section 6). */
#define PLAN_MAKE_VERSION_SCAN                  1u
#define PLAN_MAKE_VERSION_CLEAN_ACCURACY        1u
#define PLAN_MAKE_VERSION_NOISE                 1u
#define PLAN_MAKE_VERSION_FGSM                  1u
#define PLAN_MAKE_VERSION_PGD                   1u
#define PLAN_MAKE_VERSION_SQUARE                1u
#define PLAN_MAKE_VERSION_ACTIVATION_CLUSTERING 1u
#define PLAN_MAKE_VERSION_SPECTRAL_SIGNATURE    1u
#define PLAN_MAKE_VERSION_TRIGGER_SCAN          1u
#define PLAN_MAKE_VERSION_NEURAL_CLEANSE        1u
#define PLAN_MAKE_VERSION_STRIP                 1u
#define PLAN_MAKE_VERSION_WEIGHT_DRIFT          1u

/* Adversarial inputs of each point that the guest always returns, so that the host can look at some of them. */
#define PLAN_MAKE_SAMPLES_CHECKED 4u

/* A check of the policy that is not in the plan, and why. */
struct plan_skip {
    enum plan_check_id id;
    char reason[160];
};

struct plan_made {
    struct plan plan;
    unsigned skip_count;
    struct plan_skip skips[PLAN_CHECK_ID_COUNT];
    const struct policy_curve *curves[PLAN_CHECKS_MAX][PLAN_CURVES_MAX]; /* of the policy, behind each of an attack's */
};

/* A check's version, planned or skipped. */
uint32_t plan_make_version(enum plan_check_id id);

/* Where the plan has a check; its check_count where it has none. */
uint32_t plan_make_find(const struct plan *plan, enum plan_check_id id);

/* The eps of a point as the policy spells it. */
const char *plan_make_eps_text(const struct plan_made *made, uint32_t check, uint32_t curve, uint32_t point);

/* Samples of one window for inputs of so many elements: about 4 MiB, at most 4,096. */
uint32_t plan_make_window(uint64_t elements);

/* ERROR_BAD_INPUT where training and test inputs differ in shape. *ret_made is some 100 KiB. */
MUST_USE int plan_make(const struct admission *admission, const struct job_options *options, struct plan_made *ret_made,
                       struct error *err);

/* plan.json: canonical JSON can be made of it. A new reference, or NULL without memory. */
json_t *plan_make_document(const struct plan_made *made, const struct admission *admission,
                           const struct job_options *options);

#endif
