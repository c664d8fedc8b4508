/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schedule of one kind of run: which buffer each value and gradient lies in, from when to when.
 *
 * Reshape shares its input's buffer; an operator that allows it writes over an input that nothing reads
 * afterwards, forward and backward. A value is kept for the backward pass only where an operator reads it
 * there. Nodes that another one does (fusion.h) have no step of their own, nor do values between them a buffer.
 * Where an operator can finish its gradient, it adds to the sum itself, and takes the part that a Relu before
 * it lets through: that Relu then has no backward step.
 */
#ifndef LAZARET_GUEST_ENGINE_SCHEDULE_H
#define LAZARET_GUEST_ENGINE_SCHEDULE_H

#include "guest/engine/fusion.h"
#include "guest/engine/memory_plan.h"
#include "guest/engine/ops.h"

#define SCHEDULE_NONE UINT32_MAX

/* The gradient that one node gives one of its inputs. */
struct schedule_edge {
    uint32_t written; /* the buffer that backward() writes; SCHEDULE_NONE where there is no gradient */
    uint32_t sum;     /* the value's gradient that it is then added to; SCHEDULE_NONE for the first; `written`
                         itself where backward() adds */
    uint32_t mask;    /* the value, a Relu's output, that masks what backward() writes; or GRAPH_NONE */
};

struct schedule {
    struct memory_buffer *buffers;
    uint32_t buffer_count;
    uint32_t *value;              /* by value: its buffer; SCHEDULE_NONE for a constant, and within a fusion */
    uint32_t *scratch_forward;    /* by node */
    uint32_t *scratch_backward;   /* by node */
    uint32_t *gradient_of_output; /* by node; SCHEDULE_NONE where it takes no part in the backward pass */
    size_t *first_edge;           /* by node: of its inputs' edges */
    struct schedule_edge *edges;
    uint32_t logits_gradient, input_gradient;
    size_t arena_size; /* floats */
    uint64_t bytes;    /* of the schedule itself */
};

struct schedule_options {
    const struct graph *graph;   /* checked by samples_check_graph */
    const struct op_node *nodes; /* planned */
    const struct fusion_node *fusion;
    const bool *depends; /* by value: it depends on the input */
    uint32_t layer;      /* kept beside the logits, or GRAPH_NONE */
    bool gradient;
    bool finish_gradients; /* operators may */
};

/* -ENOMEM; -EOVERFLOW where the arena would be too large to count. */
MUST_USE int schedule_create(const struct schedule_options *options, struct schedule **ret_schedule);
void schedule_free(struct schedule *schedule);

/* Where a buffer starts in the arena, in floats. */
static inline size_t schedule_offset(const struct schedule *schedule, uint32_t buffer)
{
    return schedule->buffers[buffer].offset;
}

#endif
