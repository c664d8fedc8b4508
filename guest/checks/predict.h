/* SPDX-License-Identifier: Apache-2.0 */
/* Predicted classes of inputs, and the message that carries a window's. */
#ifndef LAZARET_GUEST_CHECKS_PREDICT_H
#define LAZARET_GUEST_CHECKS_PREDICT_H

#include "guest/checks/check.h"

/* Room for the logits of one slice; inputs are worked on in slices, so that progress can be told. */
struct predictor {
    const struct check_context *context;
    uint32_t slice; /* inputs at once: the network's batch */
    size_t classes; /* logits of one input */
    float *logits;  /* slice × classes */
};

MUST_USE int predictor_open(struct predictor *predictor, const struct check_context *context, struct error *err);
void predictor_close(struct predictor *predictor);

/* Predicted classes of at most `slice` inputs. */
MUST_USE int predictor_run(struct predictor *predictor, const float *x, uint32_t count, int32_t *ret_classes,
                           struct error *err);

/* Sends PREDICTIONS of a whole window for one point of one curve. */
MUST_USE int predictions_send(const struct check_context *context, uint32_t curve, uint32_t point,
                              const struct check_window *window, const int32_t *classes, struct error *err);

#endif
