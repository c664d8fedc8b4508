/* SPDX-License-Identifier: Apache-2.0 */
/* Accuracy of predictions against labels. */
#include "host/score/accuracy.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int accuracy_check_labels(const int32_t *labels, size_t count, uint32_t classes, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (labels[i] < 0 || (uint32_t)labels[i] >= classes)
            return error_set(err, ERROR_BAD_INPUT, -EINVAL,
                             "array y: label %" PRId32 " of sample %zu, but the model has %" PRIu32
                             " classes; check y, and the spec's labelOffset",
                             labels[i], i, classes);
    return 0;
}

int accuracy_check_predictions(const int32_t *predictions, size_t count, uint32_t classes, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (predictions[i] < 0 || (uint32_t)predictions[i] >= classes)
            return error_set(err, ERROR_GUEST, -EBADMSG,
                             "the guest predicted class %" PRId32 " for sample %zu, but there are %" PRIu32 " classes",
                             predictions[i], i, classes);
    return 0;
}

void accuracy_free(struct accuracy *accuracy)
{
    free(accuracy->class_correct);
    free(accuracy->class_total);
    free(accuracy->pairs);
    *accuracy = (struct accuracy){0};
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* The counted pairs, by sorting label and prediction as one number: memory by samples, not by classes squared. */
static int count_pairs(const int32_t *labels, const int32_t *predictions, size_t count, struct accuracy *accuracy)
{
    CLEANUP_FREE uint64_t *keys = malloc((count > 0 ? count : 1) * sizeof *keys);
    size_t distinct = 0;

    if (keys == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        keys[i] = (uint64_t)(uint32_t)labels[i] << 32 | (uint32_t)predictions[i];
    qsort(keys, count, sizeof *keys, compare);
    for (size_t i = 0; i < count; i++)
        distinct += i == 0 || keys[i] != keys[i - 1];
    accuracy->pairs = calloc(distinct > 0 ? distinct : 1, sizeof *accuracy->pairs);
    if (accuracy->pairs == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || keys[i] != keys[i - 1])
            accuracy->pairs[accuracy->pair_count++] =
                (struct accuracy_pair){.label = (uint32_t)(keys[i] >> 32), .predicted = (uint32_t)keys[i]};
        accuracy->pairs[accuracy->pair_count - 1].count++;
    }
    return 0;
}

int accuracy_score(const int32_t *labels, const int32_t *predictions, size_t count, uint32_t classes,
                   struct accuracy *ret_accuracy, struct error *err)
{
    CLEANUP(accuracy_free) struct accuracy accuracy = {.total = count, .classes = classes};
    int r;

    if (classes == 0 || classes > ACCURACY_CLASSES_MAX)
        return error_set(err, ERROR_GUEST, -EBADMSG, "the guest's model has %" PRIu32 " classes", classes);
    r = accuracy_check_labels(labels, count, classes, err);
    if (r == 0)
        r = accuracy_check_predictions(predictions, count, classes, err);
    if (r < 0)
        return r;
    accuracy.class_correct = calloc(classes, sizeof *accuracy.class_correct);
    accuracy.class_total = calloc(classes, sizeof *accuracy.class_total);
    if (accuracy.class_correct == NULL || accuracy.class_total == NULL ||
        count_pairs(labels, predictions, count, &accuracy) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to score %zu predictions", count);
    for (size_t i = 0; i < count; i++) {
        accuracy.class_total[labels[i]]++;
        accuracy.class_correct[labels[i]] += labels[i] == predictions[i];
        accuracy.correct += labels[i] == predictions[i];
    }
    *ret_accuracy = accuracy;
    accuracy = (struct accuracy){0}; /* transferred */
    return 0;
}
