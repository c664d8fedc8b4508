/* SPDX-License-Identifier: Apache-2.0 */
/* Running an executor's nodes backward, on the processor or a device, from the logits' gradient to the input's. */
#include "guest/engine/executor_internal.h"

#include "guest/engine/device_pass.h"

#include <errno.h>

/* The inputs that backward may read for input k: those it has said it needs, and constants. */
static void needed_inputs(const struct executor *executor, const struct graph_node *node, uint32_t k, unsigned needs,
                          const float **ret_inputs)
{
    for (uint32_t j = 0; j < node->input_count; j++) {
        uint32_t value = node->inputs[j];
        bool needed = (needs & (j == k ? OP_NEEDS_SELF : OP_NEEDS_OTHERS)) != 0;

        if (value == GRAPH_NONE || (!needed && executor->graph->values[value].constant == NULL))
            ret_inputs[j] = NULL;
        else
            ret_inputs[j] = executor_value_at(executor, EXECUTOR_GRADIENT, value);
    }
}

static void add_to(const struct executor *executor, uint32_t value, const float *term, float *sum)
{
    size_t count = executor_elements(executor, value, executor->samples);

    for (size_t i = 0; i < count; i++)
        sum[i] = sum[i] + term[i];
}

/* The operator's own backward step, by the processor or the device, and the sum where it is another's to add. */
static int run_backward(struct executor *executor, const struct op_run *run, const struct schedule_edge *edge,
                        uint32_t k, const float *dy, float *out, struct error *err)
{
    const struct graph_node *node = run->op->node;
    bool adds = edge->sum != SCHEDULE_NONE && edge->sum != edge->written;
    int ret;

    if (executor->session != NULL) {
        ret = device_pass_backward(executor->device, executor->session, run, k, dy, out, err);
        if (ret == 0 && adds)
            ret = executor->device->calls->add(executor->session, out,
                                               executor_buffer_at(executor, EXECUTOR_GRADIENT, edge->sum),
                                               executor_elements(executor, node->inputs[k], executor->samples), err);
        return ret;
    }
    ret = op_find(node->op)->backward(run, k, dy, out);
    executor_unguard(executor);
    if (ret < 0)
        return executor_node_failed(run->op, ret, err);
    if (adds)
        add_to(executor, node->inputs[k], out, executor_buffer_at(executor, EXECUTOR_GRADIENT, edge->sum));
    return 0;
}

/* One input's share of a node's gradient, written or added as the schedule says. */
static int backward_input(struct executor *executor, uint32_t i, uint32_t k, const float *dy, struct error *err)
{
    const struct graph_node *node = &executor->graph->nodes[i];
    const struct schedule *schedule = executor->schedules[EXECUTOR_GRADIENT];
    const struct schedule_edge *edge = &schedule->edges[schedule->first_edge[i] + k];
    unsigned needs = op_find(node->op)->needs[k == 0 ? 0 : 1];
    const float *inputs[GRAPH_INPUTS_MAX];
    struct op_run run = {.op = &executor->nodes[i],
                         .samples = executor->samples,
                         .inputs = inputs,
                         .scratch = executor_buffer_at(executor, EXECUTOR_GRADIENT, schedule->scratch_backward[i])};
    float *out = executor_buffer_at(executor, EXECUTOR_GRADIENT, edge->written);

    needed_inputs(executor, node, k, needs, inputs);
    if ((needs & OP_NEEDS_OUTPUT) != 0)
        run.output = executor_buffer_at(executor, EXECUTOR_GRADIENT, schedule->value[node->output]);
    if (executor->session == NULL)
        executor_guard(executor, EXECUTOR_GRADIENT, &run, node->output, schedule->scratch_backward[i]);
    if (edge->mask != GRAPH_NONE) {
        run.finish.mask = executor_value_at(executor, EXECUTOR_GRADIENT, edge->mask);
        executor_open_buffer(executor, EXECUTOR_GRADIENT, schedule->value[edge->mask]);
    }
    if (edge->sum == edge->written)
        run.finish.addend = out;
    executor_open_buffer(executor, EXECUTOR_GRADIENT, schedule->gradient_of_output[i]);
    executor_open_buffer(executor, EXECUTOR_GRADIENT, edge->written);
    return run_backward(executor, &run, edge, k, dy, out, err);
}

int executor_loss(struct executor *executor, const int32_t *labels, struct error *err)
{
    uint32_t logits = executor->graph->logits;
    int ret;

    if (executor->samples == 0 || executor->session == NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a loss without a forward pass on a device");
    ret = executor->device->calls->loss(executor->session, executor_value_at(executor, EXECUTOR_GRADIENT, logits),
                                        labels, executor->samples, executor_elements(executor, logits, 1),
                                        executor_logits_gradient(executor), err);
    executor->has_loss = ret == 0;
    return ret;
}

int executor_predictions(struct executor *executor, size_t samples, int32_t *ret_predictions, struct error *err)
{
    return executor->device->calls->predictions(executor->session, samples, ret_predictions, err);
}

int executor_backward_start(struct executor *executor, struct error *err)
{
    const struct graph *graph = executor->graph;
    const struct schedule *schedule = executor->schedules[EXECUTOR_GRADIENT];

    if (schedule == NULL || executor->samples == 0)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a backward pass without a forward pass");
    if (executor->session != NULL && !executor->has_loss) {
        int ret = executor->device->calls->write(executor->session, executor_logits_gradient(executor),
                                                 executor_elements(executor, graph->logits, executor->samples), err);

        if (ret < 0)
            return ret;
    }
    for (uint32_t i = graph->node_count; i-- > 0;) {
        const struct graph_node *node = &graph->nodes[i];
        const float *dy = executor_buffer_at(executor, EXECUTOR_GRADIENT, schedule->gradient_of_output[i]);

        if (dy == NULL)
            continue;
        for (uint32_t k = 0; k < node->input_count; k++) {
            int ret;

            if (node->inputs[k] == GRAPH_NONE || !executor->depends[node->inputs[k]])
                continue;
            ret = backward_input(executor, i, k, dy, err);
            if (ret < 0)
                return ret;
        }
    }
    executor->samples = 0;
    return 0;
}

int executor_backward_finish(struct executor *executor, const float **ret_gradient, struct error *err)
{
    float *gradient =
        executor_buffer_at(executor, EXECUTOR_GRADIENT, executor->schedules[EXECUTOR_GRADIENT]->input_gradient);

    if (executor->session != NULL) {
        int ret = executor->device->calls->read(
            executor->session, gradient, executor_elements(executor, executor->graph->input, executor->computed), err);

        if (ret < 0)
            return ret;
    }
    *ret_gradient = gradient;
    return 0;
}

int executor_backward(struct executor *executor, const float **ret_gradient, struct error *err)
{
    int ret = executor_backward_start(executor, err);

    return ret < 0 ? ret : executor_backward_finish(executor, ret_gradient, err);
}
