/* SPDX-License-Identifier: Apache-2.0 */
/* What one executor has on the device: an arena like its own, constants, and what its nodes prepared. */
#ifndef LAZARET_GUEST_ENGINE_OPENCL_SESSION_H
#define LAZARET_GUEST_ENGINE_OPENCL_SESSION_H

#include "guest/engine/opencl/programs.h"
#include "guest/engine/opencl/shapes.h"
#include "guest/engine/walk.h"

#define STAGES 2u /* inputs: one that is computed with, one on its way */

struct session_stage {
    float *host; /* written by the processor */
    cl_mem buffer;
    cl_event sent, taken; /* NULL: not yet */
};

struct device_session {
    struct opencl_device *device;
    const struct graph *graph;
    const struct op_node *nodes;
    const float *arena;
    size_t arena_size;
    uint64_t held, memory_max;
    cl_mem arena_buffer;
    cl_mem *constants; /* by value; NULL where not used here */
    void **prepared;   /* by node; its node_calls free it */
    cl_mem scratch;    /* of one kernel's steps, for the largest node */
    size_t scratch_floats;
    cl_mem labels, predictions;
    struct session_stage stages[STAGES];
    unsigned stage; /* the next one to be written */
    size_t input_size;
};

/* What an operator has here. */
struct node_calls {
    /* May fill session->prepared and ask for scratch; NULL: nothing to prepare. */
    int (*prepare)(struct device_session *session, uint32_t node, struct error *err);
    void (*release)(struct device_session *session, uint32_t node);
    /* Whether this very node runs here, and its backward pass to an input; NULL: always. */
    bool (*fits)(const struct device_session *session, const struct op_node *op, bool backward, uint32_t input);
    int (*forward)(struct device_session *session, const struct op_run *run, struct error *err);
    int (*backward)(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                    float *ret_dx, struct error *err);
};

/* NULL: the processor's alone. */
const struct node_calls *session_calls(enum graph_op op);

extern const struct node_calls calls_conv, calls_conv_transpose, calls_gemm, calls_matmul, calls_batch_norm,
    calls_unary, calls_function, calls_softmax, calls_pool, calls_global_average, calls_binary, calls_concat,
    calls_reshape, calls_view, calls_reduce;

/* Where a pointer of the executor's lies on the device: in the arena, or a constant. NULL is nowhere. */
struct place session_place(const struct device_session *session, const float *pointer);
static inline struct place session_at(cl_mem buffer, size_t at)
{
    return (struct place){buffer, at};
}

static inline uint32_t session_node(const struct device_session *session, const struct op_run *run)
{
    return (uint32_t)(run->op - session->nodes);
}

/* A buffer with this content. */
MUST_USE int session_upload(struct device_session *session, const void *content, size_t bytes, const char *what,
                            cl_mem *ret_buffer, struct error *err);

/* Asks for scratch before it is allocated. */
void session_want_scratch(struct device_session *session, size_t floats);

/* y = function(x) of so many elements. */
MUST_USE int session_unary(struct device_session *session, enum unary_function function, float alpha, float beta,
                           const float *x, float *y, size_t count, struct error *err);
MUST_USE int session_fill(struct device_session *session, float *y, float value, size_t count, struct error *err);

/* The walk of so many positions of axis 0. */
struct walk_shape session_walk(const struct walk *walk, size_t outermost);

/* A launch's optional places and flags of what is done to a result. */
uint32_t session_finish_flags(const struct kernel_finish *finish);

#endif
