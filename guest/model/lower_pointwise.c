/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of activations and of Softmax. */
#include "guest/model/compose.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int emit_unary(struct lower *lower, enum graph_op op, const struct graph_attributes *attributes)
{
    struct lower_value x;
    uint32_t input;
    int r = lower_data(lower, 0, &input, &x);

    return r < 0 ? r : lower_emit(lower, op, &input, 1, attributes, x.rank, x.dims, &lower->result);
}

int lower_relu(struct lower *lower)
{
    return emit_unary(lower, GRAPH_RELU, NULL);
}

int lower_sigmoid(struct lower *lower)
{
    return emit_unary(lower, GRAPH_SIGMOID, NULL);
}

int lower_tanh(struct lower *lower)
{
    return emit_unary(lower, GRAPH_TANH, NULL);
}

int lower_erf(struct lower *lower)
{
    return emit_unary(lower, GRAPH_ERF, NULL);
}

int lower_leaky_relu(struct lower *lower)
{
    struct graph_attributes attributes = {0};
    int r = lower_attribute_float(lower, "alpha", 0.01f, &attributes.alpha);

    return r < 0 ? r : emit_unary(lower, GRAPH_LEAKY_RELU, &attributes);
}

int lower_elu(struct lower *lower)
{
    struct graph_attributes attributes = {0};
    int r = lower_attribute_float(lower, "alpha", 1, &attributes.alpha);

    return r < 0 ? r : emit_unary(lower, GRAPH_ELU, &attributes);
}

int lower_hard_sigmoid(struct lower *lower)
{
    struct graph_attributes attributes = {0};
    int r = lower_attribute_float(lower, "alpha", 0.2f, &attributes.alpha);

    if (r == 0)
        r = lower_attribute_float(lower, "beta", 0.5f, &attributes.beta);
    return r < 0 ? r : emit_unary(lower, GRAPH_HARD_SIGMOID, &attributes);
}

int lower_clip(struct lower *lower)
{
    struct compose c = {.lower = lower};
    double bounds[2] = {-(double)INFINITY, (double)INFINITY};
    float low = -INFINITY, high = INFINITY;
    uint32_t x = compose_input(&c, 0);

    if (lower->model->opset < 11) {
        if (lower->node->input_count > 1)
            return lower_bad(lower, "bounds as inputs came with operator set 11");
        if (c.code == 0)
            compose_check(&c, lower_attribute_float(lower, "min", -INFINITY, &low));
        if (c.code == 0)
            compose_check(&c, lower_attribute_float(lower, "max", INFINITY, &high));
        bounds[0] = (double)low;
        bounds[1] = (double)high;
    } else {
        for (uint32_t i = 0; c.code == 0 && i < 2; i++) {
            compose_check(&c, lower_scalar(lower, i + 1, bounds[i], &bounds[i]));
            if (c.code == 0 && isnan(bounds[i]))
                return lower_bad(lower, "its bound at input %u is not a number", i + 1);
        }
    }
    return compose_end(&c, compose_clip(&c, x, bounds[0], bounds[1]));
}

/* Before operator set 13 the axis and all behind it count as one; since then the axis alone. */
static int emit_softmax(struct lower *lower, enum graph_op op)
{
    struct graph_attributes attributes = {0};
    bool flattens = lower->model->opset < 13;
    struct lower_value x;
    int64_t axis;
    uint32_t input;
    int r = lower_data(lower, 0, &input, &x);

    if (r == 0)
        r = lower_attribute_int(lower, "axis", flattens ? 1 : -1, &axis);
    if (r == 0)
        r = lower_axis(lower, axis, x.rank, &attributes.axis);
    if (r < 0)
        return r;
    attributes.axis_end = flattens ? x.rank : attributes.axis + 1;
    return lower_emit(lower, op, &input, 1, &attributes, x.rank, x.dims, &lower->result);
}

int lower_softmax(struct lower *lower)
{
    return emit_softmax(lower, GRAPH_SOFTMAX);
}

int lower_log_softmax(struct lower *lower)
{
    return emit_softmax(lower, GRAPH_LOG_SOFTMAX);
}
