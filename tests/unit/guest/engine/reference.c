/* SPDX-License-Identifier: Apache-2.0 */
/* A plain evaluator of graphs in double. */
#include "reference_ops.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Multi-index of element i of a shape. */
void reference_unravel(const struct graph_value *shape, size_t i, size_t *ret_index)
{
    for (uint32_t axis = shape->rank; axis-- > 0;) {
        ret_index[axis] = i % shape->dims[axis];
        i /= shape->dims[axis];
    }
}

size_t reference_ravel(const struct graph_value *shape, const size_t *index)
{
    size_t i = 0;

    for (uint32_t axis = 0; axis < shape->rank; axis++)
        i = i * shape->dims[axis] + index[axis];
    return i;
}

/* The element that broadcasting reads for an index into `shape`. */
double reference_broadcast(const struct reference_tensor *t, const struct graph_value *shape, const size_t *index)
{
    size_t own[GRAPH_RANK_MAX];

    for (uint32_t axis = 0; axis < t->shape->rank; axis++) {
        size_t full = index[shape->rank - t->shape->rank + axis];

        own[axis] = t->shape->dims[axis] == 1 ? 0 : full;
    }
    return t->data[reference_ravel(t->shape, own)];
}

static double unary(enum graph_op op, const struct graph_attributes *a, double x)
{
    double y;

    switch (op) {
    case GRAPH_RELU:
        return x > 0 ? x : 0;
    case GRAPH_LEAKY_RELU:
        return x > 0 ? x : (double)a->alpha * x;
    case GRAPH_SIGMOID:
        return 1 / (1 + exp(-x));
    case GRAPH_TANH:
        return tanh(x);
    case GRAPH_HARD_SIGMOID:
        y = (double)a->alpha * x + (double)a->beta;
        return y < 0 ? 0 : y > 1 ? 1 : y;
    case GRAPH_CLIP:
        return fmin(fmax(x, (double)a->alpha), (double)a->beta);
    case GRAPH_ELU:
        return x > 0 ? x : (double)a->alpha * expm1(x);
    case GRAPH_ERF:
        return erf(x);
    default: /* Reshape */
        return x;
    }
}

static double window_image(const struct reference_tensor *x, const size_t *index, const struct graph_window *w, size_t channel,
                           size_t p, size_t q, bool *ret_inside, bool *ret_padded)
{
    long row = (long)(index[2] * w->stride[0] + p * w->dilation[0]) - (long)w->pad_begin[0];
    long column = (long)(index[3] * w->stride[1] + q * w->dilation[1]) - (long)w->pad_begin[1];
    long height = (long)x->shape->dims[2], width = (long)x->shape->dims[3];

    *ret_inside = row >= 0 && column >= 0 && row < height && column < width;
    *ret_padded = row < height + (long)w->pad_end[0] && column < width + (long)w->pad_end[1];
    if (!*ret_inside)
        return 0;
    return x->data[reference_ravel(x->shape, (size_t[]){index[0], channel, (size_t)row, (size_t)column})];
}

static double conv(const struct graph_attributes *a, const struct reference_tensor *in, const size_t *index, size_t out_channels)
{
    const struct graph_window *w = &a->window;
    size_t in_group = in[0].shape->dims[1] / w->groups;
    size_t group = index[1] / (out_channels / w->groups);
    double sum = in[2].data == NULL ? 0 : in[2].data[index[1]];
    bool inside, padded;

    for (size_t c = 0; c < in_group; c++)
        for (size_t p = 0; p < w->kernel[0]; p++)
            for (size_t q = 0; q < w->kernel[1]; q++)
                sum += window_image(&in[0], index, w, group * in_group + c, p, q, &inside, &padded) *
                       in[1].data[reference_ravel(in[1].shape, (size_t[]){index[1], c, p, q})];
    return sum;
}

/* By scattering's definition: x[i] reaches y[i·stride + k·dilation − pad]. */
static double conv_transpose(const struct graph_attributes *a, const struct reference_tensor *in, const size_t *index)
{
    const struct graph_window *w = &a->window;
    size_t in_group = in[0].shape->dims[1] / w->groups;
    size_t out_group = in[1].shape->dims[1];
    size_t group = index[1] / out_group;
    double sum = in[2].data == NULL ? 0 : in[2].data[index[1]];

    for (size_t c = 0; c < in_group; c++)
        for (size_t i = 0; i < in[0].shape->dims[2]; i++)
            for (size_t j = 0; j < in[0].shape->dims[3]; j++)
                for (size_t p = 0; p < w->kernel[0]; p++)
                    for (size_t q = 0; q < w->kernel[1]; q++) {
                        size_t channel = group * in_group + c;

                        if (i * w->stride[0] + p * w->dilation[0] != index[2] + w->pad_begin[0] ||
                            j * w->stride[1] + q * w->dilation[1] != index[3] + w->pad_begin[1])
                            continue;
                        sum += in[0].data[reference_ravel(in[0].shape, (size_t[]){index[0], channel, i, j})] *
                               in[1].data[reference_ravel(in[1].shape, (size_t[]){channel, index[1] % out_group, p, q})];
                    }
    return sum;
}

static double pool(enum graph_op op, const struct graph_attributes *a, const struct reference_tensor *x, const size_t *index)
{
    double maximum = -INFINITY, sum = 0, count = 0;

    for (size_t p = 0; p < a->window.kernel[0]; p++)
        for (size_t q = 0; q < a->window.kernel[1]; q++) {
            bool inside, padded;
            double value = window_image(x, index, &a->window, index[1], p, q, &inside, &padded);

            if (inside)
                maximum = fmax(maximum, value);
            sum += value;
            count += a->window.count_include_pad ? padded : inside;
        }
    return op == GRAPH_MAX_POOL ? maximum : sum / count;
}

static double gemm(const struct graph_attributes *a, const struct reference_tensor *in, const struct graph_value *y,
                   const size_t *index)
{
    size_t k = in[0].shape->dims[a->transposed_a ? 0 : 1];
    double sum = 0;

    for (size_t i = 0; i < k; i++)
        sum += in[0].data[a->transposed_a ? i * in[0].shape->dims[1] + index[0] : index[0] * k + i] *
               in[1].data[a->transposed_b ? index[1] * k + i : i * in[1].shape->dims[1] + index[1]];
    sum *= (double)a->alpha;
    return in[2].data == NULL ? sum : sum + (double)a->beta * reference_broadcast(&in[2], y, index);
}

static double matmul(const struct reference_tensor *in, const struct graph_value *y, const size_t *index)
{
    uint32_t a_rank = in[0].shape->rank, b_rank = in[1].shape->rank;
    uint32_t axes = (a_rank == 1 ? 0u : 1u) + (b_rank == 1 ? 0u : 1u);
    uint32_t lead = y->rank - axes;
    size_t k = in[0].shape->dims[a_rank - 1];
    double sum = 0;

    for (size_t i = 0; i < k; i++) {
        size_t a_index[GRAPH_RANK_MAX] = {0}, b_index[GRAPH_RANK_MAX] = {0};

        for (uint32_t axis = 0; a_rank > 2 && axis < a_rank - 2; axis++)
            a_index[axis] = in[0].shape->dims[axis] == 1 ? 0 : index[lead - (a_rank - 2) + axis];
        for (uint32_t axis = 0; b_rank > 2 && axis < b_rank - 2; axis++)
            b_index[axis] = in[1].shape->dims[axis] == 1 ? 0 : index[lead - (b_rank - 2) + axis];
        if (a_rank > 1)
            a_index[a_rank - 2] = index[lead];
        a_index[a_rank - 1] = i;
        if (b_rank > 1)
            b_index[b_rank - 1] = index[y->rank - 1];
        b_index[b_rank == 1 ? 0 : b_rank - 2] = i;
        sum += in[0].data[reference_ravel(in[0].shape, a_index)] * in[1].data[reference_ravel(in[1].shape, b_index)];
    }
    return sum;
}

static double softmax(enum graph_op op, const struct graph_attributes *a, const struct reference_tensor *x, const size_t *index)
{
    double sum = 0, own = x->data[reference_ravel(x->shape, index)];

    for (size_t i = 0; i < x->shape->elements; i++) {
        size_t other[GRAPH_RANK_MAX];
        bool in_line = true;

        reference_unravel(x->shape, i, other);
        for (uint32_t axis = 0; axis < x->shape->rank; axis++)
            if ((axis < a->axis || axis >= a->axis_end) && other[axis] != index[axis])
                in_line = false;
        if (in_line)
            sum += exp(x->data[i] - own);
    }
    return op == GRAPH_SOFTMAX ? 1 / sum : -log(sum);
}

static double concat(const struct graph_attributes *a, const struct reference_tensor *in, const size_t *index)
{
    size_t own[GRAPH_RANK_MAX];

    memcpy(own, index, sizeof(own));
    for (; own[a->axis] >= in->shape->dims[a->axis]; in++)
        own[a->axis] -= in->shape->dims[a->axis];
    return in->data[reference_ravel(in->shape, own)];
}

static double gather(const struct graph_attributes *a, const struct reference_tensor *x, size_t i)
{
    size_t inner = 1, at, outer;

    for (uint32_t axis = a->axis + 1; axis < x->shape->rank; axis++)
        inner *= x->shape->dims[axis];
    at = (size_t)a->indices[i / inner % a->index_count];
    outer = i / inner / a->index_count;
    return x->data[(outer * x->shape->dims[a->axis] + at) * inner + i % inner];
}

static double pad(const struct graph_attributes *a, const struct reference_tensor *x, const size_t *index)
{
    size_t own[GRAPH_RANK_MAX];

    for (uint32_t axis = 0; axis < x->shape->rank; axis++) {
        long size = (long)x->shape->dims[axis];
        long at = (long)index[axis] - (long)a->pad_begin[axis];

        if ((at < 0 || at >= size) && a->pad_mode == GRAPH_PAD_CONSTANT)
            return (double)a->pad_value;
        if (a->pad_mode == GRAPH_PAD_REFLECT)
            at = at < 0 ? -at : at >= size ? 2 * size - 2 - at : at;
        at = at < 0 ? 0 : at >= size ? size - 1 : at;
        own[axis] = (size_t)at;
    }
    return x->data[reference_ravel(x->shape, own)];
}

static double reduce(enum graph_op op, const struct graph_attributes *a, const struct reference_tensor *x, size_t i)
{
    double sum = 0, count = 0;

    for (size_t j = 0; j < x->shape->elements; j++) {
        size_t other[GRAPH_RANK_MAX], kept = 0;

        reference_unravel(x->shape, j, other);
        for (uint32_t axis = 0; axis < x->shape->rank; axis++)
            if (!a->reduce[axis])
                kept = kept * x->shape->dims[axis] + other[axis];
        if (kept != i)
            continue;
        sum += x->data[j];
        count++;
    }
    return op == GRAPH_REDUCE_SUM ? sum : sum / count;
}

static double batch_norm(const struct graph_attributes *a, const struct reference_tensor *in, const size_t *index)
{
    size_t c = index[1];

    return (in[0].data[reference_ravel(in[0].shape, index)] - in[3].data[c]) / sqrt(in[4].data[c] + (double)a->epsilon) *
               in[1].data[c] +
           in[2].data[c];
}

static double binary(enum graph_op op, const struct reference_tensor *in, const struct graph_value *y, const size_t *index)
{
    double a = reference_broadcast(&in[0], y, index), b = reference_broadcast(&in[1], y, index);

    return op == GRAPH_ADD ? a + b : op == GRAPH_SUB ? a - b : op == GRAPH_MUL ? a * b : a / b;
}

static double moved(const struct graph_node *node, const struct reference_tensor *x, const size_t *index)
{
    const struct graph_attributes *a = &node->attributes;
    size_t own[GRAPH_RANK_MAX];

    for (uint32_t axis = 0; axis < x->shape->rank; axis++) {
        if (node->op == GRAPH_TRANSPOSE)
            own[a->permutation[axis]] = index[axis];
        else
            own[axis] = (size_t)(a->start[axis] + (int64_t)index[axis] * a->step[axis]);
    }
    return x->data[reference_ravel(x->shape, own)];
}

static double mean_of_channel(const struct reference_tensor *x, size_t plane)
{
    size_t inner = x->shape->elements / x->shape->dims[0] / x->shape->dims[1];
    double sum = 0;

    for (size_t i = 0; i < inner; i++)
        sum += x->data[plane * inner + i];
    return sum / (double)inner;
}

static double element(const struct graph_node *node, const struct reference_tensor *in, const struct graph_value *y, size_t i)
{
    const struct graph_attributes *a = &node->attributes;
    size_t index[GRAPH_RANK_MAX] = {0};

    reference_unravel(y, i, index);
    switch (node->op) {
    case GRAPH_CONV:
        return conv(a, in, index, y->dims[1]);
    case GRAPH_CONV_TRANSPOSE:
        return conv_transpose(a, in, index);
    case GRAPH_GEMM:
        return gemm(a, in, y, index);
    case GRAPH_MATMUL:
        return matmul(in, y, index);
    case GRAPH_BATCH_NORM:
        return batch_norm(a, in, index);
    case GRAPH_SOFTMAX:
    case GRAPH_LOG_SOFTMAX:
        return softmax(node->op, a, in, index);
    case GRAPH_MAX_POOL:
    case GRAPH_AVERAGE_POOL:
        return pool(node->op, a, in, index);
    case GRAPH_GLOBAL_AVERAGE_POOL:
        return mean_of_channel(in, i);
    case GRAPH_ADD:
    case GRAPH_SUB:
    case GRAPH_MUL:
    case GRAPH_DIV:
        return binary(node->op, in, y, index);
    case GRAPH_CONCAT:
        return concat(a, in, index);
    case GRAPH_TRANSPOSE:
    case GRAPH_SLICE:
        return moved(node, in, index);
    case GRAPH_GATHER:
        return gather(a, in, i);
    case GRAPH_PAD:
        return pad(a, in, index);
    case GRAPH_REDUCE_MEAN:
    case GRAPH_REDUCE_SUM:
        return reduce(node->op, a, in, i);
    case GRAPH_FUNCTION:
    case GRAPH_FUNCTION2:
    case GRAPH_WHERE:
    case GRAPH_PICK:
    case GRAPH_REDUCE_MAX:
    case GRAPH_REDUCE_PROD:
    case GRAPH_ARG_MAX:
    case GRAPH_HARDMAX:
    case GRAPH_TOP_K:
    case GRAPH_CUM_SUM:
        return reference_more(node, in, y, i, index);
    default:
        return unary(node->op, a, in[0].data[i]);
    }
}

double *reference_logits(const struct graph *graph, const double *x)
{
    double **data = calloc(graph->value_count, sizeof(*data));
    double *logits;

    for (uint32_t v = 0; v < graph->value_count; v++) {
        const struct graph_value *value = &graph->values[v];

        data[v] = calloc(value->elements, sizeof(double));
        for (size_t i = 0; value->constant != NULL && i < value->elements; i++)
            data[v][i] = (double)value->constant[i];
    }
    memcpy(data[graph->input], x, graph->values[graph->input].elements * sizeof(double));
    for (uint32_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        struct reference_tensor in[GRAPH_INPUTS_MAX] = {0};

        for (uint32_t k = 0; k < node->input_count; k++)
            if (node->inputs[k] != GRAPH_NONE)
                in[k] = (struct reference_tensor){.shape = &graph->values[node->inputs[k]], .data = data[node->inputs[k]]};
        for (size_t i = 0; i < graph->values[node->output].elements; i++)
            data[node->output][i] = element(node, in, &graph->values[node->output], i);
    }
    logits = data[graph->logits];
    for (uint32_t v = 0; v < graph->value_count; v++)
        if (v != graph->logits)
            free(data[v]);
    free(data);
    return logits;
}

static double weighted(const struct graph *graph, const double *x, const double *weights)
{
    double *logits = reference_logits(graph, x);
    double sum = 0;

    for (size_t i = 0; i < graph->values[graph->logits].elements; i++)
        sum += logits[i] * weights[i];
    free(logits);
    return sum;
}

void reference_gradient(const struct graph *graph, const double *x, const double *weights, double h,
                        double *ret_gradient)
{
    reference_gradient_some(graph, x, weights, h, 1, ret_gradient);
}

void reference_gradient_some(const struct graph *graph, const double *x, const double *weights, double h,
                             size_t stride, double *ret_gradient)
{
    size_t count = graph->values[graph->input].elements;
    double *moved_x = malloc(count * sizeof(double));

    memcpy(moved_x, x, count * sizeof(double));
    for (size_t i = 0; i < count; i += stride) {
        double above, below;

        moved_x[i] = x[i] + h;
        above = weighted(graph, moved_x, weights);
        moved_x[i] = x[i] - h;
        below = weighted(graph, moved_x, weights);
        moved_x[i] = x[i];
        ret_gradient[i] = (above - below) / (2 * h);
    }
    free(moved_x);
}
