/* SPDX-License-Identifier: Apache-2.0 */
/* Accuracy of predictions against labels: overall, per class, and the confusion matrix. */
#ifndef LAZARET_HOST_SCORE_ACCURACY_H
#define LAZARET_HOST_SCORE_ACCURACY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define ACCURACY_CLASSES_MAX (UINT32_C(1) << 20)

/* So many samples of `label` were predicted as `predicted`. */
struct accuracy_pair {
    uint32_t label, predicted;
    uint64_t count;
};

struct accuracy {
    uint64_t correct, total;
    uint32_t classes;
    uint64_t *class_correct, *class_total; /* one a class */
    struct accuracy_pair *pairs;           /* those with a count, by label, then by prediction */
    size_t pair_count;
};

/*
 * Scores `count` predictions. Labels are the host's own, below `classes`, else -EINVAL
 * (ERROR_BAD_INPUT: the data has more classes than the model); predictions are the guest's, below
 * `classes`, else -EBADMSG (ERROR_GUEST). -ENOMEM.
 */
MUST_USE int accuracy_score(const int32_t *labels, const int32_t *predictions, size_t count, uint32_t classes,
                            struct accuracy *ret_accuracy, struct error *err);
void accuracy_free(struct accuracy *accuracy);

/* Checks classes as accuracy_score() does. */
MUST_USE int accuracy_check_labels(const int32_t *labels, size_t count, uint32_t classes, struct error *err);
MUST_USE int accuracy_check_predictions(const int32_t *predictions, size_t count, uint32_t classes, struct error *err);

#endif
