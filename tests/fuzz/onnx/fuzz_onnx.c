/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a model: opened, and made a graph for the shape that its own input asks for or a small image. */
#include "guest/model/model.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_graph(const struct model *model, const struct model_contract *contract, uint32_t batch)
{
    struct model_memory memory;
    struct graph *graph = NULL;
    struct error err = {0};

    if (model_measure(model, contract, batch, &memory, &err) < 0 || memory.constants + memory.computed > 1 << 28)
        return;
    if (model_graph(model, contract, batch, &graph, &err) < 0)
        return;
    /* What the engine relies on. */
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].output >= graph->value_count)
            abort();
        for (uint32_t k = 0; k < graph->nodes[i].input_count; k++)
            if (graph->nodes[i].inputs[k] != GRAPH_NONE && graph->nodes[i].inputs[k] >= graph->value_count)
                abort();
    }
    if (graph->values[graph->logits].rank != 2 || graph->values[graph->logits].dims[0] != batch)
        abort();
    (void)graph_find_value(graph, "y");
    graph_free(graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct model_contract contracts[] = {
        {.sample_rank = 3, .sample_dims = {1, 8, 8}},
        {.sample_rank = 3, .sample_dims = {2, 7, 5}},
        {.sample_rank = 1, .sample_dims = {6}},
        {.sample_rank = 1, .sample_dims = {4}}, /* as many as the seeds' decision trees look at */
        {.sample_rank = 1, .sample_dims = {30}},
    };
    struct model *model = NULL;
    struct error err = {0};

    if (model_open(data, size, &model, &err) < 0) {
        if (err.text[0] == '\0')
            abort();
        return 0;
    }
    for (size_t i = 0; i < sizeof contracts / sizeof contracts[0]; i++) {
        uint32_t fixed = model_fixed_batch(model, &contracts[i]);

        try_graph(model, &contracts[i], fixed != 0 ? fixed : 2);
    }
    model_free(model);
    return 0;
}
