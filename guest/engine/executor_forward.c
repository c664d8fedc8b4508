/* SPDX-License-Identifier: Apache-2.0 */
/* Running an executor's nodes forward, on the processor or a device. */
#include "guest/engine/executor_internal.h"

#include "guest/engine/device_pass.h"

#include <errno.h>

/* One node, by the processor or the device. */
static int forward_node(struct executor *executor, enum executor_pass pass, struct op_run *run, uint32_t i,
                        struct error *err)
{
    const struct fusion_node *fusion = &executor->fusion[i];
    int ret;

    if (executor->session != NULL) {
        if (fusion->addend != GRAPH_NONE)
            run->finish.addend = executor_value_at(executor, pass, fusion->addend);
        return device_pass_forward(executor->device, executor->session, run, err);
    }
    executor_guard(executor, pass, run, fusion->result, executor->schedules[pass]->scratch_forward[i]);
    if (fusion->addend != GRAPH_NONE) {
        run->finish.addend = executor_value_at(executor, pass, fusion->addend);
        executor_open_buffer(executor, pass, executor->schedules[pass]->value[fusion->addend]);
    }
    ret = op_find(executor->graph->nodes[i].op)->forward(run);
    executor_unguard(executor);
    return ret < 0 ? executor_node_failed(run->op, ret, err) : 0;
}

bool executor_stages(const struct executor *executor)
{
    return executor->session != NULL;
}

int executor_stage(struct executor *executor, size_t samples, struct error *err)
{
    int ret = executor->device->calls->stage(executor->session,
                                             executor_elements(executor, executor->graph->input, samples), err);

    executor->staged = ret == 0;
    return ret;
}

static int start_device(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err)
{
    const struct schedule *schedule = executor->schedules[pass];
    int ret = executor->staged ? 0 : executor_stage(executor, samples, err);

    executor->staged = executor->has_loss = false;
    return ret < 0 ? ret
                   : executor->device->calls->take_input(
                         executor->session, executor_buffer_at(executor, pass, schedule->value[executor->graph->input]),
                         executor_elements(executor, executor->graph->input, samples), err);
}

int executor_start(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err)
{
    const struct graph *graph = executor->graph;
    const struct schedule *schedule = executor->schedules[pass];
    int ret = 0;

    executor->samples = 0;
    if (schedule == NULL || samples == 0 || samples > graph->batch ||
        (samples < graph->batch && !executor->takes_fewer))
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a run of %zu samples was not prepared", samples);
    if (executor->session != NULL)
        ret = start_device(executor, pass, samples, err);
    for (uint32_t i = 0; ret == 0 && i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        const struct fusion_node *fusion = &executor->fusion[i];
        const float *inputs[GRAPH_INPUTS_MAX];
        struct op_run run = {.op = &executor->nodes[i],
                             .samples = samples,
                             .inputs = inputs,
                             .output = executor_buffer_at(executor, pass, schedule->value[fusion->result]),
                             .scratch = executor_buffer_at(executor, pass, schedule->scratch_forward[i]),
                             .finish.relu = fusion->relu};

        if (fusion->runs_in != i)
            continue;
        for (uint32_t k = 0; k < node->input_count; k++)
            inputs[k] = node->inputs[k] == GRAPH_NONE ? NULL : executor_value_at(executor, pass, node->inputs[k]);
        ret = forward_node(executor, pass, &run, i, err);
    }
    if (ret < 0)
        return ret;
    executor->computed = samples;
    if (pass == EXECUTOR_GRADIENT)
        executor->samples = samples;
    return 0;
}

/* A computed value, from the device. */
static int fetch_value(struct executor *executor, enum executor_pass pass, uint32_t value, struct error *err)
{
    if (value == GRAPH_NONE || executor->graph->values[value].constant != NULL)
        return 0;
    return executor->device->calls->read(executor->session,
                                         executor_buffer_at(executor, pass, executor->schedules[pass]->value[value]),
                                         executor_elements(executor, value, executor->computed), err);
}

int executor_finish(struct executor *executor, enum executor_pass pass, struct error *err)
{
    int ret = 0;

    if (executor->session == NULL)
        return 0;
    ret = fetch_value(executor, pass, executor->graph->logits, err);
    if (ret == 0 && pass == EXECUTOR_FORWARD && executor->layer != executor->graph->logits)
        ret = fetch_value(executor, pass, executor->layer, err);
    return ret;
}

int executor_forward(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err)
{
    int ret = executor_start(executor, pass, samples, err);

    return ret < 0 ? ret : executor_finish(executor, pass, err);
}
