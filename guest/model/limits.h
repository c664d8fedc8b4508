/* SPDX-License-Identifier: Apache-2.0 */
/* How much a model may ask of the importer: every count, length and size that its bytes can drive. */
#ifndef LAZARET_GUEST_MODEL_LIMITS_H
#define LAZARET_GUEST_MODEL_LIMITS_H

#include <stdint.h>

/* Of a file. Nesting needs no number: graphs inside attributes are refused unread. */
#define MODEL_NODES_MAX        32768u
#define MODEL_INITIALIZERS_MAX 32768u
#define MODEL_INPUTS_MAX       (MODEL_INITIALIZERS_MAX + 64u) /* old files list initializers as inputs */
#define MODEL_OUTPUTS_MAX      64u
#define MODEL_EDGES_MAX        262144u /* inputs and outputs of all nodes */
#define MODEL_OPSETS_MAX       64u
#define MODEL_NAME_MAX         512u /* bytes of a name */

/* Of a node. */
#define MODEL_NODE_INPUTS_MAX       64u /* as GRAPH_INPUTS_MAX */
#define MODEL_NODE_OUTPUTS_MAX      64u
#define MODEL_ATTRIBUTES_MAX        32u
#define MODEL_ATTRIBUTE_NUMBERS_MAX 4096u /* in all its lists of integers, and in all its lists of floats */

/* Of a tensor or a computed value. */
#define MODEL_DIM_MAX      (UINT64_C(1) << 31)
#define MODEL_ELEMENTS_MAX (UINT64_C(1) << 33) /* 32 GiB of f32 */
#define MODEL_INTEGERS_MAX (UINT64_C(1) << 20) /* in an integer tensor: shapes, axes, indices */
#define MODEL_WINDOW_MAX   (1u << 20)          /* kernel size, stride, dilation, padding */

/* Of a graph made for one batch. */
#define MODEL_GRAPH_NODES_MAX  65536u
#define MODEL_GRAPH_VALUES_MAX 196608u
#define MODEL_BATCH_MAX        65536u
#define MODEL_FOLD_BYTES_MAX   (UINT64_C(64) << 20) /* made by folding; a larger fold stays a node */
#define MODEL_MEMORY_MAX       (UINT64_C(1) << 40)  /* constants and computed values together */

/* The operator sets whose semantics are implemented. */
#define MODEL_OPSET_MIN 6u
#define MODEL_OPSET_MAX 17u

#endif
