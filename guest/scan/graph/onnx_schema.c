/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of onnx.proto that the scan reads. */
#include "guest/scan/graph/onnx_schema.h"

const struct proto_row onnx_rows[] = {
    {ONNX_MODEL, 2, PROTO_BYTES, 0, ONNX_TEXT, "producer_name"},
    {ONNX_MODEL, 3, PROTO_BYTES, 0, ONNX_TEXT, "producer_version"},
    {ONNX_MODEL, 4, PROTO_BYTES, 0, ONNX_TEXT, "domain"},
    {ONNX_MODEL, 6, PROTO_BYTES, 0, ONNX_TEXT, "doc_string"},
    {ONNX_MODEL, 7, PROTO_BYTES, ONNX_GRAPH, 0, "graph"},
    {ONNX_MODEL, 14, PROTO_BYTES, ONNX_ENTRY, ONNX_IS_METADATA, "metadata_props"},
    {ONNX_MODEL, 20, PROTO_BYTES, ONNX_TRAINING, 0, "training_info"},
    {ONNX_MODEL, 25, PROTO_BYTES, ONNX_FUNCTION, ONNX_IS_FUNCTION, "functions"},

    {ONNX_GRAPH, 1, PROTO_BYTES, ONNX_NODE, ONNX_IS_NODE, "node"},
    {ONNX_GRAPH, 2, PROTO_BYTES, 0, ONNX_TEXT, "name"},
    {ONNX_GRAPH, 5, PROTO_BYTES, ONNX_TENSOR, ONNX_IS_TENSOR, "initializer"},
    {ONNX_GRAPH, 10, PROTO_BYTES, 0, ONNX_TEXT, "doc_string"},
    {ONNX_GRAPH, 11, PROTO_BYTES, ONNX_VALUE_INFO, 0, "input"},
    {ONNX_GRAPH, 12, PROTO_BYTES, ONNX_VALUE_INFO, 0, "output"},
    {ONNX_GRAPH, 13, PROTO_BYTES, ONNX_VALUE_INFO, 0, "value_info"},
    {ONNX_GRAPH, 14, PROTO_BYTES, ONNX_ANNOTATION, 0, "quantization_annotation"},
    {ONNX_GRAPH, 15, PROTO_BYTES, ONNX_SPARSE_TENSOR, 0, "sparse_initializer"},
    {ONNX_GRAPH, 16, PROTO_BYTES, ONNX_ENTRY, ONNX_IS_METADATA, "metadata_props"},

    {ONNX_NODE, 3, PROTO_BYTES, 0, ONNX_TEXT, "name"},
    {ONNX_NODE, 4, PROTO_BYTES, 0, ONNX_OP_TYPE, "op_type"},
    {ONNX_NODE, 5, PROTO_BYTES, ONNX_ATTRIBUTE, 0, "attribute"},
    {ONNX_NODE, 6, PROTO_BYTES, 0, ONNX_TEXT, "doc_string"},
    {ONNX_NODE, 7, PROTO_BYTES, 0, ONNX_DOMAIN, "domain"},
    {ONNX_NODE, 9, PROTO_BYTES, ONNX_ENTRY, ONNX_IS_METADATA, "metadata_props"},

    {ONNX_ATTRIBUTE, 1, PROTO_BYTES, 0, ONNX_ATTRIBUTE_NAME, "name"},
    {ONNX_ATTRIBUTE, 4, PROTO_BYTES, 0, ONNX_STRING, "s"},
    {ONNX_ATTRIBUTE, 5, PROTO_BYTES, ONNX_TENSOR, ONNX_IS_TENSOR, "t"},
    {ONNX_ATTRIBUTE, 6, PROTO_BYTES, ONNX_GRAPH, 0, "g"},
    {ONNX_ATTRIBUTE, 9, PROTO_BYTES, 0, ONNX_STRING, "strings"},
    {ONNX_ATTRIBUTE, 10, PROTO_BYTES, ONNX_TENSOR, ONNX_IS_TENSOR, "tensors"},
    {ONNX_ATTRIBUTE, 11, PROTO_BYTES, ONNX_GRAPH, 0, "graphs"},
    {ONNX_ATTRIBUTE, 13, PROTO_BYTES, 0, ONNX_TEXT, "doc_string"},
    {ONNX_ATTRIBUTE, 22, PROTO_BYTES, ONNX_SPARSE_TENSOR, 0, "sparse_tensor"},
    {ONNX_ATTRIBUTE, 23, PROTO_BYTES, ONNX_SPARSE_TENSOR, 0, "sparse_tensors"},

    {ONNX_TENSOR, 1, PROTO_VARINT, 0, ONNX_DIM, "dims"},
    {ONNX_TENSOR, 1, PROTO_BYTES, 0, ONNX_DIMS, "dims"},
    {ONNX_TENSOR, 2, PROTO_VARINT, 0, ONNX_TYPE, "data_type"},
    {ONNX_TENSOR, 4, PROTO_FIXED32, 0, ONNX_NUMBER, "float_data"},
    {ONNX_TENSOR, 4, PROTO_BYTES, 0, ONNX_NUMBERS_4, "float_data"},
    {ONNX_TENSOR, 5, PROTO_VARINT, 0, ONNX_NUMBER, "int32_data"},
    {ONNX_TENSOR, 5, PROTO_BYTES, 0, ONNX_NUMBERS_1, "int32_data"},
    {ONNX_TENSOR, 6, PROTO_BYTES, 0, ONNX_STRING, "string_data"},
    {ONNX_TENSOR, 7, PROTO_VARINT, 0, ONNX_NUMBER, "int64_data"},
    {ONNX_TENSOR, 7, PROTO_BYTES, 0, ONNX_NUMBERS_1, "int64_data"},
    {ONNX_TENSOR, 9, PROTO_BYTES, 0, ONNX_RAW, "raw_data"},
    {ONNX_TENSOR, 10, PROTO_FIXED64, 0, ONNX_NUMBER, "double_data"},
    {ONNX_TENSOR, 10, PROTO_BYTES, 0, ONNX_NUMBERS_8, "double_data"},
    {ONNX_TENSOR, 11, PROTO_VARINT, 0, ONNX_NUMBER, "uint64_data"},
    {ONNX_TENSOR, 11, PROTO_BYTES, 0, ONNX_NUMBERS_1, "uint64_data"},
    {ONNX_TENSOR, 12, PROTO_BYTES, 0, ONNX_TEXT, "doc_string"},
    {ONNX_TENSOR, 13, PROTO_BYTES, ONNX_ENTRY, ONNX_IS_EXTERNAL, "external_data"},
    {ONNX_TENSOR, 14, PROTO_VARINT, 0, ONNX_LOCATION, "data_location"},
    {ONNX_TENSOR, 16, PROTO_BYTES, ONNX_ENTRY, ONNX_IS_METADATA, "metadata_props"},

    {ONNX_SPARSE_TENSOR, 1, PROTO_BYTES, ONNX_TENSOR, ONNX_IS_TENSOR, "values"},
    {ONNX_SPARSE_TENSOR, 2, PROTO_BYTES, ONNX_TENSOR, ONNX_IS_TENSOR, "indices"},

    {ONNX_ENTRY, 1, PROTO_BYTES, 0, ONNX_KEY, "key"},
    {ONNX_ENTRY, 2, PROTO_BYTES, 0, ONNX_VALUE, "value"},

    {ONNX_FUNCTION, 1, PROTO_BYTES, 0, ONNX_TEXT, "name"},
    {ONNX_FUNCTION, 7, PROTO_BYTES, ONNX_NODE, ONNX_IS_NODE, "node"},
    {ONNX_FUNCTION, 8, PROTO_BYTES, 0, ONNX_TEXT, "doc_string"},
    {ONNX_FUNCTION, 10, PROTO_BYTES, 0, ONNX_FUNCTION_DOMAIN, "domain"},
    {ONNX_FUNCTION, 11, PROTO_BYTES, ONNX_ATTRIBUTE, 0, "attribute_proto"},
    {ONNX_FUNCTION, 12, PROTO_BYTES, ONNX_VALUE_INFO, 0, "value_info"},
    {ONNX_FUNCTION, 14, PROTO_BYTES, ONNX_ENTRY, ONNX_IS_METADATA, "metadata_props"},

    {ONNX_TRAINING, 1, PROTO_BYTES, ONNX_GRAPH, 0, "initialization"},
    {ONNX_TRAINING, 2, PROTO_BYTES, ONNX_GRAPH, 0, "algorithm"},

    {ONNX_VALUE_INFO, 3, PROTO_BYTES, 0, ONNX_TEXT, "doc_string"},
    {ONNX_VALUE_INFO, 4, PROTO_BYTES, ONNX_ENTRY, ONNX_IS_METADATA, "metadata_props"},

    {ONNX_ANNOTATION, 2, PROTO_BYTES, ONNX_ENTRY, ONNX_IS_METADATA, "quant_parameter_tensor_names"},
};

const size_t onnx_row_count = sizeof onnx_rows / sizeof onnx_rows[0];
