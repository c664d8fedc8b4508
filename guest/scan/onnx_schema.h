/* SPDX-License-Identifier: Apache-2.0 */
/* What the scan reads of an ONNX model: messages and fields of onnx.proto (onnx/onnx, IR version 10 and before). */
#ifndef LAZARET_GUEST_SCAN_ONNX_SCHEMA_H
#define LAZARET_GUEST_SCAN_ONNX_SCHEMA_H

#include "guest/scan/proto_visit.h"

enum onnx_message {
    ONNX_MODEL = 1,
    ONNX_GRAPH,
    ONNX_NODE,
    ONNX_ATTRIBUTE,
    ONNX_TENSOR,
    ONNX_SPARSE_TENSOR,
    ONNX_ENTRY, /* StringStringEntryProto */
    ONNX_FUNCTION,
    ONNX_TRAINING,
    ONNX_VALUE_INFO,
    ONNX_ANNOTATION,
};

enum onnx_field {
    ONNX_NOTHING = 0,
    ONNX_IS_NODE,
    ONNX_IS_TENSOR,
    ONNX_IS_FUNCTION,
    ONNX_IS_EXTERNAL, /* an entry of external_data */
    ONNX_IS_METADATA, /* an entry of metadata_props */
    ONNX_OP_TYPE,
    ONNX_DOMAIN,
    ONNX_FUNCTION_DOMAIN,
    ONNX_ATTRIBUTE_NAME,
    ONNX_TEXT,   /* names and descriptions for people */
    ONNX_STRING, /* a value: an attribute's, or an element of a tensor */
    ONNX_KEY,    /* of an entry */
    ONNX_VALUE,  /* of an entry */
    ONNX_DIM,    /* a number, or several packed */
    ONNX_DIMS,
    ONNX_TYPE,
    ONNX_RAW,
    ONNX_NUMBERS_1, /* packed numbers of at least one byte each, ... */
    ONNX_NUMBERS_4, /* ... of four, of eight */
    ONNX_NUMBERS_8,
    ONNX_NUMBER, /* one that is not packed */
    ONNX_LOCATION,
};

extern const struct proto_row onnx_rows[];
extern const size_t onnx_row_count;

/* Whether an object's content is a model; onnx_match.c. */
enum scan_match onnx_match(struct scan *scan, const struct scan_object *object);

#endif
