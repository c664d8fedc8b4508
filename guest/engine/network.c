/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network behind network.h: a graph in its executor, fed batch by batch.
 *
 * A run takes the batch from the caller's inputs, the last one only what is left: independent samples
 * are computed alone, not padded (samples.h). A model whose samples can't be shown to be independent
 * is run one input at a time; where it insists on a larger batch it is refused.
 */
#include "guest/engine/network.h"

#include "guest/engine/executor.h"
#include "guest/engine/fold.h"
#include "guest/engine/loss.h"
#include "guest/engine/ops.h"
#include "guest/engine/samples.h"
#include "guest/model/trees.h"

#include <errno.h>
#include <string.h>

#define LAYERS_NAMED_MAX 6u /* in the message about an unknown layer */

struct network {
    struct kernels *kernels; /* borrowed */
    struct graph *graph;
    struct executor *executor;
    size_t input_size, classes, layer_size;
    uint32_t layer;
    float *scale, *offset; /* one a channel, or NULL */
    size_t channel_size;   /* floats of one channel of one input */
    bool gradient;
    int32_t *predictions; /* of a batch */
};

void network_free(struct network *network)
{
    if (network == NULL)
        return;
    executor_free(network->executor);
    if (network->graph != NULL)
        graph_free(network->graph);
    free(network->scale);
    free(network->offset);
    free(network->predictions);
    free(network);
}

static void cleanup_network(struct network **network)
{
    network_free(*network);
}

/* --- creation ------------------------------------------------------------------------------ */

static int make_graph(struct network *network, const struct network_options *options, struct error *err)
{
    uint32_t fixed = model_fixed_batch(options->model, options->contract);
    uint32_t batch = fixed != 0 ? fixed : options->batch;
    int ret;

    if (options->batch == 0)
        return error_set(err, ERROR_USAGE, -EINVAL, "the batch must be at least 1");
    ret = model_graph(options->model, options->contract, batch, &network->graph, err);
    if (ret == 0)
        ret = samples_check_graph(network->graph, err);
    if (ret < 0 || samples_are_independent(network->graph))
        return ret;
    if (fixed != 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOTSUP,
                         "the model insists on batches of %u and may mix the inputs of one; export it for one input",
                         fixed);
    graph_free(network->graph);
    network->graph = NULL;
    ret = model_graph(options->model, options->contract, 1, &network->graph, err);
    return ret < 0 ? ret : samples_check_graph(network->graph, err);
}

/* Names some layers in the error, since only the model's author knows them. */
static int unknown_layer(const struct network *network, const char *layer, struct error *err)
{
    const struct graph *graph = network->graph;
    uint32_t named = graph->node_count < LAYERS_NAMED_MAX ? graph->node_count : LAYERS_NAMED_MAX;
    char list[LAYERS_NAMED_MAX * (OP_NAME_TEXT_MAX + 4) + 1] = "";
    char name[OP_NAME_TEXT_MAX];

    for (uint32_t i = 0; i < named; i++) {
        /* The last ones: the layers of use are near the logits. */
        op_name_text(name, graph->values[graph->nodes[graph->node_count - named + i].output].name);
        strcat(strcat(strcat(list, i == 0 ? "\"" : ", \""), name), "\"");
    }
    op_name_text(name, layer);
    return error_set(err, ERROR_BAD_INPUT, -ENOENT, "the model has no layer \"%s\"; its last %u of %u are %s", name,
                     named, graph->node_count, list);
}

static int choose_layer(struct network *network, const char *layer, struct error *err)
{
    const struct graph *graph = network->graph;
    const struct graph_value *value;

    network->layer = graph->penultimate == GRAPH_NONE ? graph->logits : graph->penultimate;
    if (layer != NULL && layer[0] != '\0')
        network->layer = graph_find_value(graph, layer);
    if (layer != NULL && layer[0] != '\0' && network->layer == GRAPH_NONE)
        return unknown_layer(network, layer, err);
    if (network->layer >= graph->value_count)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "the graph's penultimate layer is not one of its values");
    value = &graph->values[network->layer];
    if (value->constant != NULL || value->elements % graph->batch != 0)
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "the layer is a constant of the model, not an activation");
    network->layer_size = value->elements / graph->batch;
    return 0;
}

static int copy_factors(const float *factors, size_t count, float **ret_copy, struct error *err)
{
    if (factors == NULL)
        return 0;
    *ret_copy = malloc(count * sizeof(float));
    if (*ret_copy == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory");
    memcpy(*ret_copy, factors, count * sizeof(float));
    return 0;
}

static int take_contract(struct network *network, const struct network_options *options, struct error *err)
{
    const struct graph *graph = network->graph;
    size_t channels = options->contract->sample_rank == 0 ? 1 : options->contract->sample_dims[0];
    int ret;

    network->input_size = graph->values[graph->input].elements / graph->batch;
    network->classes = graph->values[graph->logits].elements / graph->batch;
    if (channels == 0 || network->input_size % channels != 0)
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "the contract's first axis does not divide the input");
    network->channel_size = network->input_size / channels;
    ret = copy_factors(options->scale, channels, &network->scale, err);
    return ret < 0 ? ret : copy_factors(options->offset, channels, &network->offset, err);
}

/* Every node that depends on the input can be run backward. */
static int find_gradient(const struct graph *graph, bool *ret_has_gradient, struct error *err)
{
    CLEANUP_FREE bool *depends = calloc(graph->value_count, sizeof(bool));
    bool has_gradient = true;

    if (depends == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory");
    samples_mark_dependent(graph, depends);
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (depends[graph->nodes[i].output] && op_find(graph->nodes[i].op)->backward == NULL)
            has_gradient = false;
    *ret_has_gradient = has_gradient;
    return 0;
}

/* What the network holds besides its executor. */
static uint64_t own_memory(const struct network *network)
{
    const struct graph *graph = network->graph;
    uint64_t bytes = sizeof(*network) + graph->batch * sizeof(int32_t);

    for (uint32_t v = 0; v < graph->value_count; v++)
        if (graph->values[v].constant != NULL)
            bytes += graph->values[v].elements * sizeof(float);
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == GRAPH_TREE_ENSEMBLE)
            bytes += trees_bytes(graph->nodes[i].attributes.trees);
    return bytes;
}

/* What is left for the executor, where there is a limit. */
static int limit_memory(const struct network *network, uint64_t memory_max, uint64_t *ret_left, struct error *err)
{
    uint64_t own = own_memory(network);

    if (memory_max > 0 && own >= memory_max)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "the model's weights need %llu MiB, and may take %llu MiB",
                         (unsigned long long)(own >> 20) + 1, (unsigned long long)(memory_max >> 20));
    *ret_left = memory_max > 0 ? memory_max - own : 0;
    return 0;
}

int network_create(const struct network_options *options, struct network **ret_network, struct error *err)
{
    __attribute__((cleanup(cleanup_network))) struct network *network = calloc(1, sizeof(*network));
    struct executor_options executor = {.kernels = options->kernels};
    int ret;

    if (network == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory");
    network->kernels = options->kernels;
    ret = make_graph(network, options, err);
    if (ret == 0 && !options->forward_only)
        ret = find_gradient(network->graph, &network->gradient, err);
    if (ret == 0)
        ret = take_contract(network, options, err);
    if (ret == 0)
        ret = choose_layer(network, options->layer, err);
    if (ret == 0)
        ret = fold_norms(network->graph, network->layer, err);
    if (ret == 0)
        ret = limit_memory(network, options->memory_max, &executor.memory_max, err);
    if (ret < 0)
        return ret;
    executor.graph = network->graph;
    executor.gradient = network->gradient;
    executor.layer = network->layer;
    ret = executor_create(&executor, &network->executor, err);
    if (ret < 0)
        return ret;
    network->predictions = malloc(network->graph->batch * sizeof(int32_t));
    if (network->predictions == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory");
    *ret_network = TAKE_POINTER(network);
    return 0;
}

/* --- what it is ------------------------------------------------------------------------------ */

size_t network_input_size(const struct network *network)
{
    return network->input_size;
}

size_t network_classes(const struct network *network)
{
    return network->classes;
}

size_t network_layer_size(const struct network *network)
{
    return network->layer_size;
}

const char *network_layer_name(const struct network *network)
{
    const char *name = network->graph->values[network->layer].name;

    return name == NULL ? "" : name;
}

uint32_t network_batch(const struct network *network)
{
    return network->graph->batch;
}

bool network_has_gradient(const struct network *network)
{
    return network->gradient;
}

uint64_t network_memory(const struct network *network)
{
    return own_memory(network) + executor_memory(network->executor);
}

int32_t network_argmax(const float *logits, size_t classes)
{
    size_t best = 0;

    if (classes == 1)
        return logits[0] > 0.0f;
    while (best + 1 < classes && logits[best] != logits[best])
        best++;
    for (size_t j = best + 1; j < classes; j++)
        if (logits[j] > logits[best])
            best = j;
    return logits[best] != logits[best] ? 0 : (int32_t)best;
}

/* --- runs ------------------------------------------------------------------------------------- */

/* x·scale + offset, a rounded product and a rounded sum, by channel. */
static void write_input(const struct network *network, const float *x, size_t samples, float *ret_input)
{
    size_t channels = network->input_size / network->channel_size;

    if (network->scale == NULL && network->offset == NULL) {
        memcpy(ret_input, x, samples * network->input_size * sizeof(float));
        return;
    }
    for (size_t plane = 0; plane < samples * channels; plane++) {
        float scale = network->scale == NULL ? 1.0f : network->scale[plane % channels];
        float offset = network->offset == NULL ? 0.0f : network->offset[plane % channels];
        size_t start = plane * network->channel_size;

        for (size_t i = start; i < start + network->channel_size; i++)
            ret_input[i] = x[i] * scale + offset;
    }
}

static void write_gradient(const struct network *network, const float *gradient, size_t samples, float *ret_gradient)
{
    size_t channels = network->input_size / network->channel_size;

    if (network->scale == NULL) {
        memcpy(ret_gradient, gradient, samples * network->input_size * sizeof(float));
        return;
    }
    for (size_t plane = 0; plane < samples * channels; plane++) {
        size_t start = plane * network->channel_size;

        for (size_t i = start; i < start + network->channel_size; i++)
            ret_gradient[i] = gradient[i] * network->scale[plane % channels];
    }
}

static size_t samples_of_run(const struct network *network, size_t done, size_t count)
{
    return count - done < network->graph->batch ? count - done : network->graph->batch;
}

/* The input of the run that starts at `done`, unless it has gone ahead. */
static void write_run(struct network *network, enum executor_pass pass, const float *x, size_t done, size_t count)
{
    if (done > 0 && executor_stages(network->executor))
        return;
    write_input(network, x + done * network->input_size, samples_of_run(network, done, count),
                executor_input(network->executor, pass));
}

/* While a device computes, the input of the next run, which starts at `next`, goes there. */
static int send_next(struct network *network, enum executor_pass pass, const float *x, size_t next, size_t count,
                     struct error *err)
{
    size_t samples;

    if (next >= count || !executor_stages(network->executor))
        return 0;
    samples = samples_of_run(network, next, count);
    write_input(network, x + next * network->input_size, samples, executor_input(network->executor, pass));
    return executor_stage(network->executor, samples, err);
}

int network_activations(struct network *network, const float *x, size_t count, float *ret_activations,
                        float *ret_logits, struct error *err)
{
    for (size_t done = 0; done < count; done += network->graph->batch) {
        size_t samples = samples_of_run(network, done, count);
        int ret;

        write_run(network, EXECUTOR_FORWARD, x, done, count);
        ret = executor_start(network->executor, EXECUTOR_FORWARD, samples, err);
        if (ret == 0)
            ret = send_next(network, EXECUTOR_FORWARD, x, done + network->graph->batch, count, err);
        if (ret == 0)
            ret = executor_finish(network->executor, EXECUTOR_FORWARD, err);
        if (ret < 0)
            return ret;
        if (ret_activations != NULL)
            memcpy(ret_activations + done * network->layer_size, executor_layer(network->executor),
                   samples * network->layer_size * sizeof(float));
        if (ret_logits != NULL)
            memcpy(ret_logits + done * network->classes, executor_logits(network->executor, EXECUTOR_FORWARD),
                   samples * network->classes * sizeof(float));
    }
    return 0;
}

int network_logits(struct network *network, const float *x, size_t count, float *ret_logits, struct error *err)
{
    return network_activations(network, x, count, NULL, ret_logits, err);
}

static int bad_label(const struct network *network, int code, struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, code, "a label is not one of the model's %zu classes",
                     network->classes == 1 ? (size_t)2 : network->classes);
}

/* The gradient of the logits of the run under way; labels as in network_gradient. */
static int run_loss(struct network *network, size_t samples, const int32_t *labels, struct error *err)
{
    const float *logits;
    int ret;

    if (executor_stages(network->executor)) {
        if (labels != NULL && !loss_labels_fit(labels, samples, network->classes))
            return bad_label(network, -EINVAL, err);
        return executor_loss(network->executor, labels, err);
    }
    logits = executor_logits(network->executor, EXECUTOR_GRADIENT);
    for (size_t i = 0; i < samples; i++)
        network->predictions[i] = network_argmax(logits + i * network->classes, network->classes);
    ret = loss_gradient(network->kernels, logits, labels == NULL ? network->predictions : labels, samples,
                        network->classes, executor_logits_gradient(network->executor));
    return ret < 0 ? bad_label(network, ret, err) : 0;
}

/* The run of network_gradient that starts at `done`; arguments as there. */
static int run_gradient(struct network *network, const float *x, size_t done, size_t count, const int32_t *labels,
                        float *ret_gradient, int32_t *ret_predictions, struct error *err)
{
    size_t samples = samples_of_run(network, done, count);
    const float *gradient = NULL;
    int ret;

    write_run(network, EXECUTOR_GRADIENT, x, done, count);
    ret = executor_start(network->executor, EXECUTOR_GRADIENT, samples, err);
    if (ret == 0)
        ret = run_loss(network, samples, labels == NULL ? NULL : labels + done, err);
    if (ret == 0)
        ret = executor_backward_start(network->executor, err);
    if (ret == 0)
        ret = send_next(network, EXECUTOR_GRADIENT, x, done + network->graph->batch, count, err);
    if (ret == 0)
        ret = executor_backward_finish(network->executor, &gradient, err);
    if (ret == 0 && executor_stages(network->executor))
        ret = executor_predictions(network->executor, samples, network->predictions, err);
    if (ret < 0)
        return ret;
    write_gradient(network, gradient, samples, ret_gradient + done * network->input_size);
    if (ret_predictions != NULL)
        memcpy(ret_predictions + done, network->predictions, samples * sizeof(int32_t));
    return 0;
}

int network_gradient(struct network *network, const float *x, size_t count, const int32_t *labels, float *ret_gradient,
                     int32_t *ret_predictions, struct error *err)
{
    if (!network->gradient)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "gradients of a network that has none");
    for (size_t done = 0; done < count; done += network->graph->batch) {
        int ret = run_gradient(network, x, done, count, labels, ret_gradient, ret_predictions, err);

        if (ret < 0)
            return ret;
    }
    return 0;
}
