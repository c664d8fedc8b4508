/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of a node whose lists are as long as the model: those of tree ensembles and linear classifiers.
 *
 * A first pass notes where each attribute lies and how long its lists are; the lists are then read into room of
 * that size. Internal to the importer; bytes are read through nanopb over the bounded cursor, as everywhere.
 */
#ifndef LAZARET_GUEST_MODEL_ONNX_LISTS_H
#define LAZARET_GUEST_MODEL_ONNX_LISTS_H

#include "guest/model/onnx.h"

struct onnx_list { /* one attribute */
    struct span name;
    size_t offset, size; /* of the message in the file */
    uint64_t ints, floats, strings;
    bool has_s, has_other;
    struct span s;
    bool used;
};

struct onnx_lists {
    uint32_t count;
    struct onnx_list items[MODEL_ATTRIBUTES_MAX];
};

MUST_USE int onnx_lists_read(const struct model *model, const struct onnx_node *node, struct onnx_lists *ret_lists,
                             struct error *err);

/* The attribute of this name, then counted as used; or NULL. */
struct onnx_list *onnx_lists_find(struct onnx_lists *lists, const char *name);

/* The elements, exactly as many as were counted. A float that is NaN is refused. */
MUST_USE int onnx_list_ints(const struct model *model, const struct onnx_list *list, int64_t *ret_ints,
                            struct error *err);
MUST_USE int onnx_list_floats(const struct model *model, const struct onnx_list *list, float *ret_floats,
                              struct error *err);

/* Each string in turn; a visitor's -errno ends it. */
typedef int onnx_list_visitor(void *context, uint64_t index, struct span string);
MUST_USE int onnx_list_strings(const struct model *model, const struct onnx_list *list, onnx_list_visitor *visit,
                               void *context, struct error *err);

#endif
