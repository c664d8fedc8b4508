/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scan reads of TensorFlow's models: messages and fields of saved_model.proto, meta_graph.proto, graph.proto,
 * node_def.proto, function.proto, attr_value.proto, tensor.proto and saved_object_graph.proto (tensorflow 2.16).
 */
#ifndef LAZARET_GUEST_SCAN_TENSORFLOW_SCHEMA_H
#define LAZARET_GUEST_SCAN_TENSORFLOW_SCHEMA_H

#include "guest/scan/proto_visit.h"

enum tensorflow_message {
    TENSORFLOW_SAVED_MODEL = 1,
    TENSORFLOW_META_GRAPH,
    TENSORFLOW_GRAPH,
    TENSORFLOW_LIBRARY,
    TENSORFLOW_FUNCTION,
    TENSORFLOW_SIGNATURE, /* OpDef, of a function */
    TENSORFLOW_NODE,
    TENSORFLOW_ATTR_ENTRY, /* of a map<string, AttrValue> */
    TENSORFLOW_ATTR,       /* AttrValue */
    TENSORFLOW_ATTR_LIST,
    TENSORFLOW_NAMED_ATTRS, /* NameAttrList: a function and its attributes */
    TENSORFLOW_TENSOR,
    TENSORFLOW_VARIANT,
    TENSORFLOW_ASSET,
    TENSORFLOW_TENSOR_INFO, /* of an asset: the constant that its path takes the place of */
    TENSORFLOW_OBJECT_GRAPH,
    TENSORFLOW_OBJECT,
    TENSORFLOW_USER_OBJECT,
    TENSORFLOW_KERAS_METADATA, /* of keras_metadata.pb: SavedMetadata of saved_metadata.proto */
    TENSORFLOW_KERAS_OBJECT,
};

enum tensorflow_field {
    TENSORFLOW_NOTHING = 0,
    TENSORFLOW_IS_META_GRAPH,
    TENSORFLOW_IS_GRAPH,
    TENSORFLOW_IS_FUNCTION,
    TENSORFLOW_IS_NODE,
    TENSORFLOW_IS_TENSOR,
    TENSORFLOW_FUNCTION_NAME,
    TENSORFLOW_NODE_NAME,
    TENSORFLOW_OP,
    TENSORFLOW_INPUT,
    TENSORFLOW_ATTR_KEY,
    TENSORFLOW_ATTR_STRING,
    TENSORFLOW_TENSOR_TYPE,
    TENSORFLOW_TENSOR_CONTENT,
    TENSORFLOW_TENSOR_STRING,
    TENSORFLOW_NUMBERS,
    TENSORFLOW_ASSET_NAME,
    TENSORFLOW_ASSET_TENSOR,
    TENSORFLOW_KERAS_CONFIG,
};

extern const struct proto_row tensorflow_rows[];
extern const size_t tensorflow_row_count;

#endif
