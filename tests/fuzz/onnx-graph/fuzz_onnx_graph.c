/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model and its inputs as any bytes: imported, its shapes inferred with one of the inputs computed and with none,
 * and where the graph is small, run forward and backward once.
 *
 * Format: a byte that chooses the computed input, then blobs, each with its length before it (4 bytes, little-endian):
 * the model, and a TensorProto an input. make-corpus writes ONNX's own vectors so.
 */
#include "guest/engine/executor.h"
#include "guest/model/model_raw.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INPUTS_MAX   8u
#define OUTPUTS_MAX  64u
#define ELEMENTS_MAX 16384u /* of all values of a graph that is run */
#define NODES_MAX    256u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct blob {
    const uint8_t *data;
    size_t size;
};

static bool take(struct blob *from, struct blob *ret_blob)
{
    uint32_t length;

    if (from->size < sizeof length)
        return false;
    memcpy(&length, from->data, sizeof length);
    if (length > from->size - sizeof length)
        return false;
    *ret_blob = (struct blob){from->data + sizeof length, length};
    from->data += sizeof length + length;
    from->size -= sizeof length + length;
    return true;
}

static bool is_small(const struct graph *graph)
{
    uint64_t elements = 0;

    for (uint32_t v = 0; v < graph->value_count; v++)
        elements += graph->values[v].elements;
    return elements <= ELEMENTS_MAX && graph->node_count <= NODES_MAX;
}

static void run(struct kernels *kernels, const struct graph *graph, const struct blob *input, bool gradient)
{
    const struct executor_options options = {
        .kernels = kernels, .graph = graph, .layer = GRAPH_NONE, .gradient = gradient};
    enum executor_pass pass = gradient ? EXECUTOR_GRADIENT : EXECUTOR_FORWARD;
    size_t in = graph->values[graph->input].elements, out = graph->values[graph->logits].elements;
    CLEANUP_FREE float *floats = NULL;
    struct executor *executor = NULL;
    uint64_t dims[GRAPH_RANK_MAX];
    const float *slope;
    struct error err = {0};
    uint32_t rank;

    if (model_raw_tensor(input->data, input->size, &rank, dims, &floats, &err) < 0 ||
        executor_create(&options, &executor, &err) < 0)
        return;
    memcpy(executor_input(executor, pass), floats, in * sizeof *floats);
    if (executor_forward(executor, pass, 1, &err) == 0 && gradient) {
        for (size_t i = 0; i < out; i++)
            executor_logits_gradient(executor)[i] = 1;
        if (executor_backward(executor, &slope, &err) < 0 && err.text[0] == '\0')
            abort();
    }
    executor_free(executor);
}

static void try_binding(struct kernels *kernels, const struct model *model, const struct blob *tensors, uint32_t count,
                        uint32_t computed)
{
    struct model_raw_input inputs[INPUTS_MAX] = {{0}};
    uint32_t ret_inputs[INPUTS_MAX], ret_outputs[OUTPUTS_MAX];
    struct graph *graph = NULL;
    struct error err = {0};

    for (uint32_t i = 0; i < count; i++)
        inputs[i] = (struct model_raw_input){tensors[i].data, tensors[i].size, i == computed};
    if (model_graph_raw(model, inputs, count, &graph, ret_inputs, ret_outputs, &err) < 0) {
        if (err.text[0] == '\0')
            abort(); /* a refusal says why */
        return;
    }
    if (computed < count && is_small(graph)) {
        run(kernels, graph, &tensors[computed], false);
        run(kernels, graph, &tensors[computed], true);
    }
    graph_free(graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kernels *kernels; /* kept from one input to the next */
    struct blob rest, file, tensors[INPUTS_MAX];
    struct model *model = NULL;
    struct error err = {0};
    uint32_t count = 0, computed;

    if (size < 1 || (kernels == NULL && kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, NULL) < 0))
        return 0;
    computed = data[0];
    rest = (struct blob){data + 1, size - 1};
    if (!take(&rest, &file) || model_open(file.data, file.size, &model, &err) < 0)
        return 0;
    while (count < INPUTS_MAX && take(&rest, &tensors[count]))
        count++;
    try_binding(kernels, model, tensors, count, count == 0 ? 0 : computed % count);
    try_binding(kernels, model, tensors, count, INPUTS_MAX);
    model_free(model);
    return 0;
}
