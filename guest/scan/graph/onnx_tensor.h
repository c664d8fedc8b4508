/* SPDX-License-Identifier: Apache-2.0 */
/* One tensor of an ONNX model as it is read: what it says it holds, what is there, and the file it may lie in. */
#ifndef LAZARET_GUEST_SCAN_ONNX_TENSOR_H
#define LAZARET_GUEST_SCAN_ONNX_TENSOR_H

#include "guest/scan/graph/onnx_schema.h"

#define ONNX_KEY_MAX   32u
#define ONNX_VALUE_MAX 4096u /* bytes of an entry's value that are kept; no system has longer paths */

enum onnx_rule {
    ONNX_RULE_LENGTH,
    ONNX_RULE_EXTERNAL_PATH,
    ONNX_RULE_EXTERNAL_MEMORY,
    ONNX_RULE_EXTERNAL_RANGE,
    ONNX_RULE_EXTERNAL_SIZE,
    ONNX_RULE_TENSOR_BOMB,
    ONNX_RULE_TENSOR_SHORT,
    ONNX_RULE_OPERATOR,
    ONNX_RULE_CUSTOM_DOMAIN,
    ONNX_RULE_ENGINE,
    ONNX_RULE_CODE,
    ONNX_RULE_TEXT,
    ONNX_RULE_COUNT
};

extern const struct scan_rule onnx_rules[ONNX_RULE_COUNT];

struct onnx_tensor {
    uint64_t offset;   /* in the model */
    uint64_t elements; /* product of the dimensions */
    bool overflow;     /* the product is no 63-bit number, or a dimension is negative */
    bool external;     /* data_location says so, or there is an entry of external_data */
    uint64_t type;     /* TensorProto.DataType */
    uint64_t raw;      /* bytes of raw_data */
    uint64_t numbers;  /* upper bound of the elements that other fields hold */
    bool has_length;
    uint64_t length; /* of its part of the external file, as external_data says */
};

/* A StringStringEntryProto: a key with a value. */
struct onnx_entry {
    char key[ONNX_KEY_MAX], value[ONNX_VALUE_MAX]; /* cut, not terminated */
    size_t key_size, value_size;
    struct proto_field at; /* the value */
};

void onnx_tensor_begin(struct onnx_tensor *tensor, uint64_t offset);
void onnx_tensor_add_dim(struct onnx_tensor *tensor, uint64_t dim);
/* An entry of its external_data, judged at once: loaders differ in which of several they take. Errors are the sink's.
 */
MUST_USE int onnx_tensor_add_entry(struct proto_visit *visit, struct onnx_tensor *tensor,
                                   const struct onnx_entry *entry, struct error *err);
/* What the whole of it says. Errors are the sink's. */
MUST_USE int onnx_tensor_judge(struct proto_visit *visit, const struct onnx_tensor *tensor, struct error *err);

#endif
