/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device beside the processor that runs nodes of a graph: what a back end has to offer the executor.
 *
 * The executor's plan stays as it is: the device has an arena of its own in which every buffer lies where it lies in
 * the processor's, so that a pointer into that one names a place in both. Calls only start work, in order; what they
 * started is done when read() or finish() returns. A back end gives the bits of the arithmetic class `fma`, or refuses.
 * Every failure of the device is an error of the call that meets it, and no figure is read after one.
 */
#ifndef LAZARET_GUEST_ENGINE_DEVICE_H
#define LAZARET_GUEST_ENGINE_DEVICE_H

#include "guest/engine/ops.h"

/* What one executor has on the device. */
struct device_session;

struct device_setting {
    const struct graph *graph; /* borrowed, as the rest */
    const struct op_node *nodes;
    const float *arena;  /* names places; the device never reads it but by write() */
    size_t arena_size;   /* floats */
    size_t input_size;   /* floats of the graph's input */
    uint64_t memory_max; /* bytes of the device's memory; 0: no limit but its own */
};

struct device {
    const struct device_calls *calls;
    const char *description; /* printable: "opencl|NAME|VENDOR|VERSION|DRIVER" */
};

struct device_calls {
    /* ERROR_UNAVAILABLE, -ENOMEM where the device's memory does not suffice. */
    int (*open)(struct device *device, const struct device_setting *setting, struct device_session **ret_session,
                struct error *err);
    void (*close)(struct device_session *session);
    uint64_t (*memory)(const struct device_session *session); /* bytes of the device's memory */

    /* Whether a node's pass runs here; `input` counts for the backward pass alone. */
    bool (*runs_forward)(const struct device_session *session, const struct op_node *op);
    bool (*runs_backward)(const struct device_session *session, const struct op_node *op, uint32_t input);
    int (*forward)(struct device_session *session, const struct op_run *run, struct error *err);
    int (*backward)(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                    float *ret_dx, struct error *err);
    int (*add)(struct device_session *session, const float *term, float *sum, size_t count, struct error *err);

    /*
     * loss_gradient() of logits that lie here, with the predictions' labels where `labels` is NULL. The predictions
     * come with predictions().
     */
    int (*loss)(struct device_session *session, const float *logits, const int32_t *labels, size_t samples,
                size_t classes, float *ret_gradient, struct error *err);
    int (*predictions)(struct device_session *session, size_t samples, int32_t *ret_predictions, struct error *err);

    /*
     * The input of the next run: where it is to be written, its way to the device begun, which goes on while the device
     * computes, and its place in the arena when the run starts.
     */
    float *(*input)(struct device_session *session);
    int (*stage)(struct device_session *session, size_t count, struct error *err);
    int (*take_input)(struct device_session *session, float *place, size_t count, struct error *err);

    /* Between the two arenas: for nodes that the processor runs, and for results. */
    int (*write)(struct device_session *session, const float *place, size_t count, struct error *err);
    int (*read)(struct device_session *session, float *place, size_t count, struct error *err);
};

#endif
