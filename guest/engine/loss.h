/* SPDX-License-Identifier: Apache-2.0 */
/* The gradient of the cross-entropy loss with respect to the logits, in the stable form. */
#ifndef LAZARET_GUEST_ENGINE_LOSS_H
#define LAZARET_GUEST_ENGINE_LOSS_H

#include "guest/engine/kernels/kernels.h"

/*
 * dL/dlogits [samples × classes] of each sample's own loss L = −log p_label, never a mean.
 *
 * z = logits − max, e = exp(z), p = e / (0 plus all e in ascending order of class). For j ≠ label the
 * gradient is p_j; for the label it is −(0 plus all p_j, j ≠ label, in ascending order of class), not
 * p_label − 1, which is 0 as soon as p_label rounds to 1 and then hides the direction of attack.
 * With one class the logit is that of label 1 of 2: sigmoid(z) for label 0, −sigmoid(−z) for label 1.
 *
 * Labels must lie in [0, classes), with one class in [0, 2): -EINVAL, nothing written.
 */
bool loss_labels_fit(const int32_t *labels, size_t samples, size_t classes);
MUST_USE int loss_gradient(struct kernels *kernels, const float *logits, const int32_t *labels, size_t samples,
                           size_t classes, float *ret_gradient);

#endif
