/* SPDX-License-Identifier: Apache-2.0 */
/* A check of the digits model's test set, as the agent's worker runs it, in one call. */
#ifndef LAZARET_TESTS_UNIT_GUEST_CHECKS_DIGITS_RUN_H
#define LAZARET_TESTS_UNIT_GUEST_CHECKS_DIGITS_RUN_H

#include "guest/checks/check.h"
#include "unit/guest/checks/fixture.h"

#define DIGITS_CURVES 4u
#define DIGITS_POINTS 12u

struct digits_options {
    uint32_t window, batch; /* 0: 450, 32 */
    bool labelled;
    const float *features; /* PLAN_FEATURE_COUNT × 64, or NULL */
};

struct digits_result {
    int32_t classes[DIGITS_CURVES][DIGITS_POINTS][FIXTURE_TEST];
    float samples[DIGITS_CURVES][DIGITS_POINTS][FIXTURE_TEST][FIXTURE_PIXELS]; /* of those asked for */
    uint64_t zero_gradients, gradients; /* ROWS_GRADIENTS; gradients stays UINT64_MAX without it */
    struct check_figures figures;
};

/* Runs the check on examples/digits/clean.onnx; the result is the caller's to free. The program ends on an error. */
struct digits_result *digits_run(const struct plan_check *check, const struct digits_options *options);

/* The same, and the error is returned. */
int digits_try(const struct plan_check *check, const struct digits_options *options, struct digits_result **ret_result,
               struct error *err);

/* The inputs (450 × 64), labels, and clean predictions. */
const float *digits_inputs(void);
const uint8_t *digits_labels(void);
const int32_t *digits_clean(void);

/* Right under attack; and right when clean as well. */
unsigned digits_correct(const int32_t classes[FIXTURE_TEST]);
unsigned digits_robust(const int32_t classes[FIXTURE_TEST]);

/* How far x is from sample i, in a norm, in f64. */
double digits_distance(double norm, uint32_t sample, const float *x);

#endif
