/* SPDX-License-Identifier: Apache-2.0 */
/* Batch normalisations put into the weights before them. */
#include "guest/engine/fold.h"

#include "guest/model/arena.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* A node and the normalisation after it. */
struct fold {
    struct graph_node *node;
    const struct graph_node *norm;
    size_t channels; /* of the node's output */
    size_t groups;   /* of a ConvTranspose: channel c is the (c mod channels/groups)-th of its group */
    /* weight of (outer, channel, inner): outer·outer_step + channel·channel_step + inner */
    size_t outer, outer_step, channel_step, inner;
};

static const struct graph_value *value_of(const struct graph *graph, uint32_t index)
{
    return index == GRAPH_NONE ? NULL : &graph->values[index];
}

static bool is_constant(const struct graph_value *value, uint64_t elements)
{
    return value != NULL && value->constant != NULL && value->elements == elements;
}

static bool norm_fits(const struct graph *graph, const struct graph_node *norm, size_t channels)
{
    if (norm->input_count != 5)
        return false;
    for (uint32_t k = 1; k < 5; k++)
        if (!is_constant(value_of(graph, norm->inputs[k]), channels))
            return false;
    return true;
}

static bool conv_fits(const struct graph_value *weights, const struct graph_value *output, struct fold *fold)
{
    size_t inner;

    if (weights->rank != 4 || output->rank < 2 || weights->dims[0] != output->dims[1])
        return false;
    inner = weights->dims[1] * weights->dims[2] * weights->dims[3];
    fold->channels = output->dims[1];
    fold->outer = 1;
    fold->channel_step = inner;
    fold->inner = inner;
    return true;
}

/* Weights are input channels × channels of a group × kernel: what belongs to a channel lies in its group. */
static bool transpose_fits(const struct graph_value *weights, const struct graph_value *output, struct fold *fold)
{
    size_t groups = fold->node->attributes.window.groups, kernel;

    if (weights->rank != 4 || output->rank < 2 || groups == 0 || weights->dims[0] % groups != 0 ||
        weights->dims[1] * groups != output->dims[1])
        return false;
    kernel = weights->dims[2] * weights->dims[3];
    fold->channels = output->dims[1];
    fold->groups = groups;
    fold->outer = weights->dims[0] / groups;
    fold->outer_step = weights->dims[1] * kernel;
    fold->channel_step = kernel;
    fold->inner = kernel;
    return true;
}

static bool gemm_fits(const struct graph_value *weights, const struct graph_value *output, struct fold *fold)
{
    const struct graph_attributes *attributes = &fold->node->attributes;

    if (attributes->alpha != 1.0f || attributes->beta != 1.0f || attributes->transposed_a || weights->rank != 2 ||
        output->rank != 2 || weights->dims[attributes->transposed_b ? 0 : 1] != output->dims[1])
        return false;
    fold->channels = output->dims[1];
    fold->outer = attributes->transposed_b ? 1 : weights->dims[0];
    fold->outer_step = attributes->transposed_b ? 0 : weights->dims[1];
    fold->channel_step = attributes->transposed_b ? weights->dims[1] : 1;
    fold->inner = attributes->transposed_b ? weights->dims[1] : 1;
    return true;
}

static bool describe(const struct graph *graph, struct graph_node *node, const struct graph_node *norm,
                     struct fold *ret_fold)
{
    const struct graph_value *weights = node->input_count < 2 ? NULL : value_of(graph, node->inputs[1]);
    const struct graph_value *bias = node->input_count < 3 ? NULL : value_of(graph, node->inputs[2]);
    const struct graph_value *output = &graph->values[node->output];
    struct fold fold = {.node = node, .norm = norm, .groups = 1};
    bool fits;

    if (weights == NULL || weights->constant == NULL || node->input_count > 3)
        return false;
    if (node->op == GRAPH_CONV)
        fits = conv_fits(weights, output, &fold);
    else if (node->op == GRAPH_CONV_TRANSPOSE)
        fits = transpose_fits(weights, output, &fold);
    else
        fits = node->op == GRAPH_GEMM && gemm_fits(weights, output, &fold);
    if (bias != NULL && (bias->rank == 0 || bias->dims[bias->rank - 1] != fold.channels))
        return false; /* a column of a Gemm's C */
    if (!fits || !norm_fits(graph, norm, fold.channels) || (bias != NULL && !is_constant(bias, fold.channels)))
        return false;
    *ret_fold = fold;
    return graph->values[norm->output].elements == output->elements;
}

/* A new constant of the graph; NULL without memory. Values lie in an array with room for it. */
static float *add_constant(struct graph *graph, const struct graph_value *like, uint32_t *ret_index)
{
    float *data = arena_allocate(graph->arena, like->elements, sizeof(float));

    if (data == NULL)
        return NULL;
    *ret_index = graph->value_count++;
    graph->values[*ret_index] = *like;
    graph->values[*ret_index].constant = data;
    return data;
}

static void fold_weights(const struct fold *fold, const float *weights, const double *s, float *ret_weights)
{
    size_t group_channels = fold->channels / fold->groups;

    for (size_t c = 0; c < fold->channels; c++)
        for (size_t o = 0; o < fold->outer; o++) {
            size_t at =
                (c / group_channels * fold->outer + o) * fold->outer_step + c % group_channels * fold->channel_step;

            for (size_t i = at; i < at + fold->inner; i++)
                ret_weights[i] = (float)((double)weights[i] * s[c]);
        }
}

static int apply(struct graph *graph, const struct fold *fold)
{
    const float *scale = graph->values[fold->norm->inputs[1]].constant;
    const float *shift = graph->values[fold->norm->inputs[2]].constant;
    const float *mean = graph->values[fold->norm->inputs[3]].constant;
    const float *variance = graph->values[fold->norm->inputs[4]].constant;
    const float *weights = graph->values[fold->node->inputs[1]].constant;
    const float *bias = fold->node->input_count < 3 || fold->node->inputs[2] == GRAPH_NONE
                            ? NULL
                            : graph->values[fold->node->inputs[2]].constant;
    CLEANUP_FREE double *s = malloc(fold->channels * sizeof(double));
    uint32_t new_weights, new_bias;
    float *to_weights = s == NULL ? NULL : add_constant(graph, &graph->values[fold->node->inputs[1]], &new_weights);
    float *to_bias = to_weights == NULL ? NULL : add_constant(graph, &graph->values[fold->norm->inputs[2]], &new_bias);

    if (to_bias == NULL)
        return -ENOMEM;
    for (size_t c = 0; c < fold->channels; c++) {
        double own = bias == NULL ? 0 : (double)bias[c];

        s[c] = (double)scale[c] / sqrt((double)variance[c] + (double)fold->norm->attributes.epsilon);
        to_bias[c] = (float)((own - (double)mean[c]) * s[c] + (double)shift[c]);
    }
    fold_weights(fold, weights, s, to_weights);
    fold->node->inputs[1] = new_weights;
    fold->node->inputs[2] = new_bias;
    fold->node->input_count = 3;
    fold->node->output = fold->norm->output;
    return 0;
}

/* By value: the node that computes it, and how many inputs read it. */
struct known {
    uint32_t maker, readers;
};

static struct known *know_values(const struct graph *graph, uint32_t layer)
{
    struct known *known = calloc(graph->value_count, sizeof(*known));

    if (known == NULL)
        return NULL;
    for (uint32_t v = 0; v < graph->value_count; v++)
        known[v].maker = GRAPH_NONE;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        known[graph->nodes[i].output].maker = i;
        for (uint32_t k = 0; k < graph->nodes[i].input_count; k++)
            if (graph->nodes[i].inputs[k] != GRAPH_NONE)
                known[graph->nodes[i].inputs[k]].readers++;
    }
    known[graph->logits].readers++;
    if (layer != GRAPH_NONE)
        known[layer].readers++;
    return known;
}

int fold_norms(struct graph *graph, uint32_t layer, struct error *err)
{
    CLEANUP_FREE struct known *known = know_values(graph, layer);
    struct graph_value *values;
    uint32_t kept = 0, norms = 0;

    if (known == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory");
    for (uint32_t i = 0; i < graph->node_count; i++)
        norms += graph->nodes[i].op == GRAPH_BATCH_NORM;
    if (norms == 0)
        return 0;
    values = arena_allocate(graph->arena, (uint64_t)graph->value_count + 2 * (uint64_t)norms, sizeof(values[0]));
    if (values == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory to fold %u normalisations", norms);
    memcpy(values, graph->values, graph->value_count * sizeof(values[0]));
    graph->values = values;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct graph_node *norm = &graph->nodes[i];
        uint32_t x = norm->inputs[0], maker = x == GRAPH_NONE ? GRAPH_NONE : known[x].maker;
        struct fold fold;

        if (norm->op == GRAPH_BATCH_NORM && maker != GRAPH_NONE && known[x].readers == 1 &&
            describe(graph, &graph->nodes[maker], norm, &fold)) {
            if (apply(graph, &fold) < 0)
                return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory to fold %u normalisations", norms);
            known[norm->output].maker = maker;
            continue; /* the node goes */
        }
        if (norm->output < graph->value_count)
            known[norm->output].maker = kept;
        graph->nodes[kept++] = *norm;
    }
    graph->node_count = kept;
    return 0;
}
