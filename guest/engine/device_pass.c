/* SPDX-License-Identifier: Apache-2.0 */
/* A node's pass on a device, or beside it. */
#include "guest/engine/device_pass.h"

#include <errno.h>

static size_t part_of(const struct op_run *run, uint32_t value)
{
    return op_part(run, run->op->graph->values[value].elements);
}

/* What the node reads, from the device; constants lie here anyway. */
static int fetch_inputs(const struct device *device, struct device_session *session, const struct op_run *run,
                        struct error *err)
{
    const struct graph_node *node = run->op->node;
    int r = 0;

    for (uint32_t k = 0; r == 0 && k < node->input_count; k++)
        if (run->inputs[k] != NULL && run->op->graph->values[node->inputs[k]].constant == NULL)
            r = device->calls->read(session, (float *)run->inputs[k], part_of(run, node->inputs[k]), err);
    return r;
}

static int fetch(const struct device *device, struct device_session *session, const float *place, size_t count,
                 struct error *err)
{
    return place == NULL ? 0 : device->calls->read(session, (float *)place, count, err);
}

static int node_failed(const struct op_node *op, int code, struct error *err)
{
    char name[OP_NAME_TEXT_MAX];

    op_name_text(name, op->node->name);
    return error_set(err, code == -ENOMEM ? ERROR_UNAVAILABLE : ERROR_INTERNAL, code,
                     "node \"%s\" (%s) could not be run beside the device", name, graph_op_name(op->node->op));
}

int device_pass_forward(const struct device *device, struct device_session *session, const struct op_run *run,
                        struct error *err)
{
    size_t count = part_of(run, run->op->node->output);
    int r;

    if (device->calls->runs_forward(session, run->op))
        return device->calls->forward(session, run, err);
    r = fetch_inputs(device, session, run, err);
    if (r == 0)
        r = fetch(device, session, run->finish.addend, count, err);
    if (r < 0)
        return r;
    r = op_find(run->op->node->op)->forward(run);
    return r < 0 ? node_failed(run->op, r, err) : device->calls->write(session, run->output, count, err);
}

int device_pass_backward(const struct device *device, struct device_session *session, const struct op_run *run,
                         uint32_t input, const float *dy, float *ret_dx, struct error *err)
{
    size_t count = part_of(run, run->op->node->inputs[input]), outputs = part_of(run, run->op->node->output);
    int r;

    if (device->calls->runs_backward(session, run->op, input))
        return device->calls->backward(session, run, input, dy, ret_dx, err);
    r = fetch_inputs(device, session, run, err);
    if (r == 0)
        r = fetch(device, session, dy, outputs, err);
    if (r == 0)
        r = fetch(device, session, run->output, outputs, err);
    if (r == 0)
        r = fetch(device, session, run->finish.addend, count, err);
    if (r == 0)
        r = fetch(device, session, run->finish.mask, count, err);
    if (r < 0)
        return r;
    r = op_find(run->op->node->op)->backward(run, input, dy, ret_dx);
    return r < 0 ? node_failed(run->op, r, err) : device->calls->write(session, ret_dx, count, err);
}
