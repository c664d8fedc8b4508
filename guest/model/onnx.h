/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ONNX file as read: names, nodes and tensors that point into its bytes.
 *
 * Internal to the importer. Decoding keeps one small record a node, tensor or name, within the
 * limits of limits.h, and no data; a node's attributes are decoded again when it is lowered.
 * Formats: onnx.proto of ONNX 1.12, protobuf wire format.
 */
#ifndef LAZARET_GUEST_MODEL_ONNX_H
#define LAZARET_GUEST_MODEL_ONNX_H

#include "base/cursor.h"
#include "base/error.h"
#include "guest/model/graph.h"
#include "guest/model/limits.h"
#include "guest/model/printable.h"

#include <stdbool.h>

struct span { /* bytes of the file; not NUL-terminated */
    const uint8_t *data;
    size_t size;
};

#define SPAN_TEXT(span) PRINTABLE((span).data, (span).size)

bool span_equal(struct span span, const char *text);
int span_compare(struct span a, struct span b); /* as memcmp, the shorter first */

/* TensorProto.DataType */
enum onnx_type {
    ONNX_UNDEFINED = 0,
    ONNX_FLOAT = 1,
    ONNX_UINT8,
    ONNX_INT8,
    ONNX_UINT16,
    ONNX_INT16,
    ONNX_INT32,
    ONNX_INT64,
    ONNX_STRING,
    ONNX_BOOL,
    ONNX_FLOAT16,
    ONNX_DOUBLE,
    ONNX_UINT32,
    ONNX_UINT64,
    ONNX_COMPLEX64,
    ONNX_COMPLEX128,
    ONNX_BFLOAT16,
};

const char *onnx_type_name(int32_t type);
/* FLOAT, and what is converted to it: FLOAT16 and BFLOAT16 exactly, DOUBLE rounded. */
bool onnx_type_is_float(int32_t type);
bool onnx_type_is_integer(int32_t type); /* integers up to 64 bits, and BOOL */

enum onnx_encoding {
    ONNX_LITTLE_ENDIAN, /* data holds the elements as they are: raw_data, or one run of float_data or double_data */
    ONNX_FIELDS,        /* elements are spread over the fields of the message: decoded again when read */
};

struct onnx_tensor {
    struct span name;
    int32_t type;
    uint32_t rank;
    uint64_t dims[GRAPH_RANK_MAX];
    uint64_t elements;
    enum onnx_encoding encoding;
    struct span data;
    size_t offset, size; /* of the message in the file */
};

struct onnx_attribute {
    struct span name;
    int32_t type; /* AttributeProto.AttributeType; 0 in old files */
    bool has_f, has_i, has_s, has_t, has_other;
    bool used; /* a handler asked for it */
    float f;
    int64_t i;
    struct span s;
    struct onnx_tensor t;
    uint32_t first_int, int_count, first_float, float_count;
};

struct onnx_attributes { /* of one node; large, so there is one and it is used again */
    uint32_t count, int_count, float_count;
    struct onnx_attribute items[MODEL_ATTRIBUTES_MAX];
    int64_t ints[MODEL_ATTRIBUTE_NUMBERS_MAX];
    float floats[MODEL_ATTRIBUTE_NUMBERS_MAX];
};

struct onnx_edge {    /* an input or output of a node */
    struct span name; /* empty: left out */
    uint32_t value;   /* index into values, or GRAPH_NONE */
};

struct operator_entry;

struct onnx_node {
    struct span op, name, domain;
    uint32_t first_input, input_count, first_output, output_count; /* of edges */
    size_t offset, size;
    const struct operator_entry *entry;
};

struct onnx_input { /* of the graph, or an output of it */
    struct span name;
    uint32_t value;
    int32_t elem_type;
    bool is_tensor, has_shape;
    uint32_t rank;
    int64_t dims[GRAPH_RANK_MAX]; /* -1: any */
};

enum onnx_source { ONNX_FROM_INPUT, ONNX_FROM_INITIALIZER, ONNX_FROM_NODE };

struct onnx_value { /* a name that something defines */
    struct span name;
    enum onnx_source source;
    uint32_t index; /* of the input, initializer or node */
    uint32_t uses;  /* by nodes and as outputs of the graph */
};

struct model {
    const uint8_t *data; /* borrowed */
    size_t size;
    int64_t ir_version;
    uint32_t opset;
    bool opset_seen, graph_seen;
    struct onnx_node *nodes;
    struct onnx_edge *edges;
    struct onnx_tensor *initializers;
    struct onnx_input *inputs, *outputs;
    struct onnx_value *values; /* sorted by name */
    uint32_t *order;           /* node indices, inputs before their use */
    uint32_t node_count, edge_count, initializer_count, input_count, output_count, value_count, opset_count;
    uint32_t node_capacity, edge_capacity, initializer_capacity, input_capacity, output_capacity;
    size_t graph_offset;
    struct onnx_attributes attributes; /* scratch of decoding */
};

/* onnx_file.c: the whole file into `model`, which holds data and size. */
MUST_USE int onnx_file_read(struct model *model, struct error *err);

/* onnx_check.c: names resolved, none twice, none undefined; operators known; nodes ordered, no cycle. */
MUST_USE int onnx_check(struct model *model, struct error *err);
uint32_t onnx_find_value(const struct model *model, struct span name); /* or GRAPH_NONE */
/* Puts "node 12 'conv1' (Conv): " in front of err's text; returns its code. */
int onnx_blame_node(const struct model *model, uint32_t node, struct error *err);

/* onnx_attribute.c: the attributes of a node, from its bytes. */
MUST_USE int onnx_attributes_read(const struct model *model, const struct onnx_node *node,
                                  struct onnx_attributes *ret_attributes, struct error *err);

/* onnx_tensor.c */
/* One TensorProto in a buffer of its own. */
MUST_USE int onnx_tensor_parse(const void *data, size_t size, struct onnx_tensor *ret_tensor, struct error *err);
/* Elements as f32 (float types) or int64 (integer types) into room for tensor->elements of them. `file` is what the
 * tensor was decoded from. */
MUST_USE int onnx_tensor_floats(struct span file, const struct onnx_tensor *tensor, float *ret_floats,
                                struct error *err);
MUST_USE int onnx_tensor_integers(struct span file, const struct onnx_tensor *tensor, int64_t *ret_integers,
                                  struct error *err);

#endif
