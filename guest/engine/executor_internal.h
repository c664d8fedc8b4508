/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the executor share: its state, where its buffers lie, and what a node's run may touch. */
#ifndef LAZARET_GUEST_ENGINE_EXECUTOR_INTERNAL_H
#define LAZARET_GUEST_ENGINE_EXECUTOR_INTERNAL_H

#include "guest/engine/executor.h"

#include "guest/engine/device.h"
#include "guest/engine/fusion.h"
#include "guest/engine/ops.h"
#include "guest/engine/schedule.h"

struct executor {
    const struct graph *graph;  /* borrowed */
    struct op_node *nodes;      /* graph->node_count */
    bool *depends;              /* a value depends on the input */
    struct fusion_node *fusion; /* by node */
    bool unfused;
    struct schedule *schedules[2]; /* by enum executor_pass; the second NULL without gradient */
    float *arena;
    size_t arena_size;     /* floats */
    size_t kernel_scratch; /* floats that the kernels' context must have */
    uint32_t layer;
    bool takes_fewer;
    size_t samples; /* of the last forward pass with gradient; 0 before one */
    uint64_t memory;
    const struct device *device;    /* NULL: none */
    struct device_session *session; /* NULL without one */
    bool staged;                    /* the next run's input is on its way to the device */
    bool has_loss;                  /* the logits' gradient is on the device */
    size_t computed;                /* samples of the run under way, for its results */
};

/* Where a value lies in this pass: a constant's own memory, or the arena. */
const float *executor_value_at(const struct executor *executor, enum executor_pass pass, uint32_t value);

/* Where a buffer of the pass's schedule lies; NULL for SCHEDULE_NONE. */
float *executor_buffer_at(const struct executor *executor, enum executor_pass pass, uint32_t buffer);

/* Elements of so many samples of a value. */
size_t executor_elements(const struct executor *executor, uint32_t value, size_t samples);

/* Between these two, only what a node's run names is open (guard.h), and what is opened besides. */
void executor_guard(const struct executor *executor, enum executor_pass pass, const struct op_run *run, uint32_t output,
                    uint32_t scratch);
void executor_unguard(const struct executor *executor);
void executor_open_buffer(const struct executor *executor, enum executor_pass pass, uint32_t buffer);

/* Sets the error of a node's run, and returns its code. */
int executor_node_failed(const struct op_node *node, int code, struct error *err);

#endif
