/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators put together from simpler ones: each function takes values and gives a new one, and after the first
 * fault (kept in `code`) does nothing and gives GRAPH_NONE. What is constant is folded. Internal to the importer.
 */
#ifndef LAZARET_GUEST_MODEL_COMPOSE_H
#define LAZARET_GUEST_MODEL_COMPOSE_H

#include "guest/model/lower.h"

struct compose {
    struct lower *lower;
    int code; /* 0, or the first fault */
};

/* The input of the node at hand: of any type, or floats; GRAPH_NONE and a fault where it is missing. */
uint32_t compose_input(struct compose *compose, uint32_t index);
uint32_t compose_floats(struct compose *compose, uint32_t index);

/* A copy of a value's record; an empty one after a fault. */
struct lower_value compose_record(const struct compose *compose, uint32_t value);

uint32_t compose_number(struct compose *compose, float number); /* a scalar */
uint32_t compose_constant(struct compose *compose, const float *floats, uint32_t rank, const uint64_t *dims);

uint32_t compose_add(struct compose *compose, uint32_t a, uint32_t b);
uint32_t compose_sub(struct compose *compose, uint32_t a, uint32_t b);
uint32_t compose_mul(struct compose *compose, uint32_t a, uint32_t b);
uint32_t compose_div(struct compose *compose, uint32_t a, uint32_t b);
uint32_t compose_function(struct compose *compose, enum function function, uint32_t x);
uint32_t compose_function_of(struct compose *compose, enum function function, uint32_t x, float alpha, float beta);
uint32_t compose_function2(struct compose *compose, enum function2 function, uint32_t a, uint32_t b);
uint32_t compose_where(struct compose *compose, uint32_t condition, uint32_t yes, uint32_t no);
/* An operator of one input and of its shape: Relu, Sigmoid, Tanh, Clip (bounds), ... */
uint32_t compose_unary(struct compose *compose, enum graph_op op, uint32_t x, float alpha, float beta);
/* Both bounds in the value's own type. */
uint32_t compose_clip(struct compose *compose, uint32_t x, double low, double high);
/* The elements in another type, as ONNX's Cast. */
uint32_t compose_cast(struct compose *compose, uint32_t x, int32_t type);
/* The same numbers under another type; of computed values. */
uint32_t compose_retype(struct compose *compose, uint32_t x, int32_t type, double bound);
/* Says what integers a computed value holds (lower_settle). */
uint32_t compose_settle(struct compose *compose, uint32_t x, int32_t type, double bound);

uint32_t compose_reshape(struct compose *compose, uint32_t x, uint32_t rank, const uint64_t *dims);
uint32_t compose_transpose(struct compose *compose, uint32_t x, const uint32_t *permutation);
/* `count` elements of an axis from `start` on, `step` apart. */
uint32_t compose_slice(struct compose *compose, uint32_t x, uint32_t axis, int64_t start, uint64_t count, int64_t step);
/* The elements of an axis with these indices, which are copied; each within the axis. */
uint32_t compose_gather(struct compose *compose, uint32_t x, uint32_t axis, const int64_t *indices, uint64_t count);
/* GRAPH_PICK: `index_count` elements of each block, out of the input's; the indices are copied. */
uint32_t compose_pick(struct compose *compose, uint32_t x, const int64_t *indices, uint64_t index_count, float fill,
                      uint32_t rank, const uint64_t *dims);
uint32_t compose_concat(struct compose *compose, const uint32_t *parts, uint32_t count, uint32_t axis);
/* numpy's broadcasting to a shape that the value fits. */
uint32_t compose_expand(struct compose *compose, uint32_t x, uint32_t rank, const uint64_t *dims);
/* Constant padding of one axis. */
uint32_t compose_pad(struct compose *compose, uint32_t x, uint32_t axis, uint32_t begin, uint32_t end, float value);

uint32_t compose_matmul(struct compose *compose, uint32_t a, uint32_t b); /* matrices, or batches of them */
/* GRAPH_REDUCE_SUM or GRAPH_REDUCE_MEAN over the marked axes, which stay as 1. */
uint32_t compose_reduce(struct compose *compose, enum graph_op op, uint32_t x, const bool *axes);
/* GRAPH_REDUCE_MAX to GRAPH_CUM_SUM over axes of `attributes`, which stay as `length`. */
uint32_t compose_along(struct compose *compose, enum graph_op op, uint32_t x, const struct graph_attributes *attributes,
                       uint64_t length);

/* Keeps the first fault. */
void compose_check(struct compose *compose, int code);
/* The result of the node at hand: output k. Gives the code. */
MUST_USE int compose_end(struct compose *compose, uint32_t result);
void compose_output(struct compose *compose, uint32_t k, uint32_t result);

#endif
