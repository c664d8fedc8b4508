/* SPDX-License-Identifier: Apache-2.0 */
/* Where an executor's buffers lie, and which of them a node's run may touch. */
#include "guest/engine/executor_internal.h"

#include "guest/engine/guard.h"

#include <errno.h>

const float *executor_value_at(const struct executor *executor, enum executor_pass pass, uint32_t value)
{
    const struct schedule *schedule = executor->schedules[pass];

    if (executor->graph->values[value].constant != NULL)
        return executor->graph->values[value].constant;
    return executor->arena + schedule_offset(schedule, schedule->value[value]);
}

float *executor_buffer_at(const struct executor *executor, enum executor_pass pass, uint32_t buffer)
{
    if (buffer == SCHEDULE_NONE)
        return NULL;
    return executor->arena + schedule_offset(executor->schedules[pass], buffer);
}

size_t executor_elements(const struct executor *executor, uint32_t value, size_t samples)
{
    size_t elements = executor->graph->values[value].elements;

    return samples == executor->graph->batch ? elements : elements / executor->graph->batch * samples;
}

void executor_open_buffer(const struct executor *executor, enum executor_pass pass, uint32_t buffer)
{
    if (buffer != SCHEDULE_NONE)
        guard_open(executor_buffer_at(executor, pass, buffer), executor->schedules[pass]->buffers[buffer].size);
}

void executor_guard(const struct executor *executor, enum executor_pass pass, const struct op_run *run, uint32_t output,
                    uint32_t scratch)
{
    const struct schedule *schedule = executor->schedules[pass];
    const struct graph_node *node = run->op->node;

    guard_close(executor->arena, executor->arena_size);
    for (uint32_t k = 0; k < node->input_count; k++)
        if (run->inputs[k] != NULL)
            executor_open_buffer(executor, pass, schedule->value[node->inputs[k]]);
    if (run->output != NULL)
        executor_open_buffer(executor, pass, schedule->value[output]);
    executor_open_buffer(executor, pass, scratch);
}

void executor_unguard(const struct executor *executor)
{
    guard_open(executor->arena, executor->arena_size);
}

int executor_node_failed(const struct op_node *node, int code, struct error *err)
{
    char name[OP_NAME_TEXT_MAX];

    op_name_text(name, node->node->name);
    return error_set(err, code == -ENOMEM ? ERROR_UNAVAILABLE : ERROR_INTERNAL, code,
                     "node \"%s\" (%s) could not be run", name, graph_op_name(node->node->op));
}
