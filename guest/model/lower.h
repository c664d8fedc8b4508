/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lowering: from ONNX's nodes to the graph form, for one batch size.
 *
 * Theory of operation. Nodes are visited in order. Each value is either computed (held as f32, its shape a
 * number now) or constant (f32 or integers). A node whose inputs are all constant is folded where it moves
 * data or works element by element; every other node is emitted, as itself or as the simpler ones that it is
 * made of (compose.h). Integers that depend on the input's data are computed in f32 as long as that is exact
 * (lower_typed.c); where a shape, an axis or an index would depend on them, the node is refused.
 * Initializers are read when they are needed, so those that only unused nodes have cost nothing. Afterwards
 * lower_finish keeps what the chosen output needs.
 *
 * Internal to the importer.
 */
#ifndef LAZARET_GUEST_MODEL_LOWER_H
#define LAZARET_GUEST_MODEL_LOWER_H

#include "guest/model/arena.h"
#include "guest/model/model.h"
#include "guest/model/onnx.h"

struct lower_value {
    struct span name; /* empty: made here */
    int32_t type;     /* ONNX_FLOAT for all floats, else an integer type: int64 as a constant, and computed a whole
                         number in f32 */
    double bound;     /* of computed integers: the largest magnitude, at most LOWER_EXACT_MAX */
    uint32_t rank;
    uint64_t dims[GRAPH_RANK_MAX];
    uint64_t elements;
    bool constant;
    uint32_t producer;                /* node, or GRAPH_NONE */
    uint32_t source;                  /* a constant with the same elements in another shape, or GRAPH_NONE */
    const struct onnx_tensor *tensor; /* a constant that may not have been read yet */
    struct span tensor_file;          /* what the tensor was decoded from */
    const float *floats;
    const int64_t *integers;
};

struct lower {
    const struct model *model;
    struct error *err;
    struct arena *arena;
    struct lower_value *values;
    uint32_t value_count, value_capacity;
    struct graph_node *nodes;
    uint32_t node_count, node_capacity;
    uint32_t *map;   /* of the model's values to those here, or GRAPH_NONE */
    uint64_t folded; /* bytes */
    /* The node at hand. */
    const struct onnx_node *node;
    uint32_t node_index;
    uint32_t inputs[MODEL_NODE_INPUTS_MAX];
    uint32_t result;
    uint32_t more[MODEL_NODE_OUTPUTS_MAX]; /* results of the outputs behind the first: [k] of output k; GRAPH_NONE */
    struct onnx_attributes attributes;
};

/* Whole numbers up to here are exact in f32. */
#define LOWER_EXACT_MAX 16777216.0

/* --- lower.c: context, errors, values, nodes ------------------------------------------------ */

int lower_fail(struct lower *lower, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define lower_bad(lower, ...)         lower_fail(lower, ERROR_BAD_INPUT, __VA_ARGS__)
#define lower_unsupported(lower, ...) lower_fail(lower, ERROR_UNAVAILABLE, __VA_ARGS__)

MUST_USE int lower_start(struct lower *lower, const struct model *model, struct error *err);
void lower_end(struct lower *lower);
/* The nodes that these of the model's values need, once the graph's inputs stand in lower->map; then so do the values.
 */
MUST_USE int lower_nodes(struct lower *lower, const uint32_t *outputs, uint32_t count);

/* A new value; its elements are counted here, and may be 0 only for a constant. */
MUST_USE int lower_add_value(struct lower *lower, const struct lower_value *value, uint32_t *ret_value);
/* A computed float value that `op` makes; attributes may be NULL. Constant integers among the inputs must be exact
 * in f32. */
MUST_USE int lower_emit(struct lower *lower, enum graph_op op, const uint32_t *inputs, uint32_t input_count,
                        const struct graph_attributes *attributes, uint32_t rank, const uint64_t *dims,
                        uint32_t *ret_value);
/* The same elements in another shape: of a constant another view, else a Reshape; the value itself where nothing
 * changes. */
MUST_USE int lower_reshape(struct lower *lower, uint32_t value, uint32_t rank, const uint64_t *dims,
                           uint32_t *ret_value);

/* Elements of a constant, read now if they have not been. */
MUST_USE int lower_floats(struct lower *lower, uint32_t value, const float **ret_floats);
MUST_USE int lower_integers(struct lower *lower, uint32_t value, const int64_t **ret_integers);

/* --- lower_input.c --------------------------------------------------------------------------- */

/* Inputs of the node at hand: GRAPH_NONE where left out. */
uint32_t lower_input(const struct lower *lower, uint32_t index);
/* An input that must be there and f32: its index and a copy of its record. */
MUST_USE int lower_data(struct lower *lower, uint32_t index, uint32_t *ret_value, struct lower_value *ret_record);
/* The same, and constant, with this many dimensions (or GRAPH_NONE for any). */
MUST_USE int lower_parameter(struct lower *lower, uint32_t index, uint32_t rank, uint32_t *ret_value,
                             struct lower_value *ret_record);
/* An input that must be there, of any type. */
MUST_USE int lower_any(struct lower *lower, uint32_t index, uint32_t *ret_value, struct lower_value *ret_record);
/* A constant number at an input, of a float or an integer type, or the default where it is left out. */
MUST_USE int lower_scalar(struct lower *lower, uint32_t index, double absent, double *ret_number);
/* A constant list of integers at an input: *ret_integers is NULL where the input is left out. */
MUST_USE int lower_list(struct lower *lower, uint32_t index, const int64_t **ret_integers, uint64_t *ret_count);

/* Attributes of the node at hand; the default where absent. Lists: NULL where absent. */
MUST_USE int lower_attribute_int(struct lower *lower, const char *name, int64_t absent, int64_t *ret_value);
MUST_USE int lower_attribute_float(struct lower *lower, const char *name, float absent, float *ret_value);
MUST_USE int lower_attribute_ints(struct lower *lower, const char *name, const int64_t **ret_values,
                                  uint32_t *ret_count);
MUST_USE int lower_attribute_text(struct lower *lower, const char *name, struct span *ret_text);
struct onnx_attribute *lower_attribute(struct lower *lower, const char *name); /* or NULL; marks it used */

/* An axis that may be negative, within [0, limit): limit is the rank, or rank + 1 for Flatten and Unsqueeze. */
MUST_USE int lower_axis(struct lower *lower, int64_t axis, uint32_t limit, uint32_t *ret_axis);

/* Marks each axis of a list, which may not name one twice, among `rank` of them. */
MUST_USE int lower_mark_axes(struct lower *lower, const int64_t *axes, uint64_t count, uint32_t rank, bool *marked);

/* Room for `count` elements made by folding; NULL without an error where the fold is too large and must stay a node. */
MUST_USE int lower_fold_room(struct lower *lower, uint64_t count, size_t size, void **ret_room);

struct dims_text {
    char text[GRAPH_RANK_MAX * 21 + 8];
};
const char *dims_print(struct dims_text *out, uint32_t rank, const uint64_t *dims); /* "1x8x8"; "scalar" for rank 0 */
#define DIMS_TEXT(rank, dims) dims_print(&(struct dims_text){{0}}, rank, dims)

uint64_t dims_elements(uint32_t rank, const uint64_t *dims); /* UINT64_MAX where beyond MODEL_ELEMENTS_MAX,
                                                                dimensions of 0 left out */
/* numpy's broadcasting of two shapes; false where they don't fit. */
bool dims_broadcast(uint32_t rank_a, const uint64_t *a, uint32_t rank_b, const uint64_t *b, uint32_t *ret_rank,
                    uint64_t *ret_dims);

/* --- fold.c --------------------------------------------------------------------------------- */

/* Copies elements of 4 or 8 bytes: to[i] = from[base + Σ index·stride], row-major over dims; strides in elements. */
void fold_copy(void *to, const void *from, size_t size, uint32_t rank, const uint64_t *dims, const int64_t *strides,
               int64_t base);
/* Row-major strides of a shape, in elements. */
void fold_strides(uint32_t rank, const uint64_t *dims, int64_t *ret_strides);
/* What is worked out of two numbers: GRAPH_ADD to GRAPH_DIV, or GRAPH_FUNCTION2 and its function. */
struct fold_pair {
    enum graph_op op;
    enum function2 function;
};
/* With broadcasting. -ERANGE: division by zero or overflow of integers, -EOPNOTSUPP: no such function of integers. */
void fold_floats(struct fold_pair pair, float *to, uint32_t rank, const uint64_t *dims, const float *a,
                 const struct lower_value *shape_a, const float *b, const struct lower_value *shape_b);
MUST_USE int fold_integers(struct fold_pair pair, int64_t *to, uint32_t rank, const uint64_t *dims, const int64_t *a,
                           const struct lower_value *shape_a, const int64_t *b, const struct lower_value *shape_b);

/* --- lower_finish.c -------------------------------------------------------------------------- */

struct finish {
    uint32_t batch, input, logits, penultimate;
    const uint32_t *keep; /* values that must stay beside the logits, constants too */
    uint32_t keep_count;
    uint32_t *ret_kept; /* their indices in the graph */
};

/* The output as logits, batch × classes: a terminal Softmax, LogSoftmax or single Sigmoid cut, trailing ones dropped.
 */
MUST_USE int lower_logits(struct lower *lower, uint32_t output, uint32_t batch, uint32_t *ret_logits);
/* The computed input of the last product that the logits need, or GRAPH_NONE. */
MUST_USE int lower_penultimate(struct lower *lower, const struct finish *finish, uint32_t *ret_value);
/* Bytes that the graph would hold, without making it: constants, and all computed values together. */
MUST_USE int lower_measure(struct lower *lower, const struct finish *finish, struct model_memory *ret_memory);
/* The graph of what logits and kept values need; takes the arena. */
MUST_USE int lower_finish(struct lower *lower, const struct finish *finish, struct graph **ret_graph);

/* --- lower_typed.c: element by element, of floats and integers, folded where all is constant ----------- */

/* An integer as a narrower type holds it, converted as C does. */
int64_t lower_narrow(int64_t value, int32_t type);
/* The largest magnitude that a type of at most 16 bits holds; LOWER_EXACT_MAX for wider ones, of what is computed. */
double lower_type_bound(int32_t type);
/* Says that the computed value holds integers of this type up to the bound: wrapped into types of 8 and 16 bits,
 * refused where f32 would round them. */
MUST_USE int lower_settle(struct lower *lower, uint32_t value, int32_t type, double bound, uint32_t *ret_value);
/* A function of each element; what it makes is a bool, or of its input's type. */
MUST_USE int lower_function(struct lower *lower, enum function function, uint32_t value, float alpha, float beta,
                            uint32_t *ret_value);
/* Arithmetic, a comparison or another function of two values of one type, broadcast. */
MUST_USE int lower_pair(struct lower *lower, struct fold_pair pair, uint32_t a, uint32_t b, uint32_t *ret_value);
/* lower_cast.c: the elements in another type, as ONNX's Cast. */
MUST_USE int lower_cast_value(struct lower *lower, uint32_t value, int32_t type, uint32_t *ret_value);
/* A new constant, copied: floats, or int64 of an integer type. */
MUST_USE int lower_constant_value(struct lower *lower, int32_t type, const void *elements, uint32_t rank,
                                  const uint64_t *dims, uint32_t *ret_value);

#include "guest/model/lower_operators.h"

#endif
