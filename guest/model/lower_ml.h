/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of ai.onnx.ml, the operators of classical models. Internal to the importer. */
#ifndef LAZARET_GUEST_MODEL_LOWER_ML_H
#define LAZARET_GUEST_MODEL_LOWER_ML_H

#include "guest/model/lower.h"
#include "guest/model/onnx_lists.h"
#include "guest/model/operators.h"

#define LOWER_ML_DOMAIN "ai.onnx.ml"

/* The operator of that domain with this name, or NULL. */
const struct operator_entry *lower_ml_find(struct span name);

/* Whether the operator reads its own attributes, as its lists may be longer than onnx_attributes_read's. */
bool lower_ml_reads_lists(const struct operator_entry *entry);

enum ml_transform { ML_NONE, ML_LOGISTIC, ML_SOFTMAX };

/* post_transform; another than these is ERROR_UNAVAILABLE by name. */
MUST_USE int lower_ml_transform(struct lower *lower, struct onnx_lists *lists, enum ml_transform *ret_transform);
/* Classes by classlabels_int64s or classlabels_strings. Integers must count up one by one; refused else. */
MUST_USE int lower_ml_classes(struct lower *lower, struct onnx_lists *lists, uint64_t *ret_classes);
/* A list of the lower's arena: NULL where the attribute is absent; refused where it is something else than such. */
MUST_USE int lower_ml_ints(struct lower *lower, struct onnx_lists *lists, const char *name, const int64_t **ret_ints,
                           uint64_t *ret_count);
MUST_USE int lower_ml_floats(struct lower *lower, struct onnx_lists *lists, const char *name, const float **ret_floats,
                             uint64_t *ret_count);
/* An attribute that nothing asked for is refused by name. */
MUST_USE int lower_ml_check_used(struct lower *lower, const struct onnx_lists *lists);
/* Output 1: scores (batch × classes) after the transform; output 0: the class of the largest. */
MUST_USE int lower_ml_scores(struct lower *lower, uint32_t scores, uint64_t classes, enum ml_transform transform);

int lower_tree_ensemble_classifier(struct lower *lower); /* lower_trees.c */

#endif
