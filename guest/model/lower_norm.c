/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of normalisations by what they are: means, differences, roots. */
#include "guest/model/compose.h"

#include <string.h>

struct moments {
    uint32_t mean, centred, deviation; /* sqrt(variance + epsilon) */
};

/* Over the marked axes, which stay as 1. */
static struct moments moments_of(struct compose *c, uint32_t x, const bool *axes, float epsilon)
{
    struct moments moments;
    uint32_t variance;

    moments.mean = compose_reduce(c, GRAPH_REDUCE_MEAN, x, axes);
    moments.centred = compose_sub(c, x, moments.mean);
    variance = compose_reduce(c, GRAPH_REDUCE_MEAN, compose_mul(c, moments.centred, moments.centred), axes);
    if (epsilon != 0)
        variance = compose_add(c, variance, compose_number(c, epsilon));
    moments.deviation = compose_function(c, FUNCTION_SQRT, variance);
    return moments;
}

int lower_layer_norm(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_floats(&c, 0), scale = compose_floats(&c, 1), bias = lower_input(lower, 2), axis = 0, y;
    struct lower_value record = compose_record(&c, x);
    bool axes[GRAPH_RANK_MAX] = {false};
    int64_t asked = -1;
    float epsilon = 1e-5f;
    struct moments moments;

    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "axis", -1, &asked));
    if (c.code == 0)
        compose_check(&c, lower_attribute_float(lower, "epsilon", 1e-5f, &epsilon));
    if (c.code == 0)
        compose_check(&c, lower_axis(lower, asked, record.rank, &axis));
    (void)lower_attribute(lower, "stash_type"); /* the precision of the statistics: f32, as all here */
    for (uint32_t i = axis; i < record.rank; i++)
        axes[i] = true;
    moments = moments_of(&c, x, axes, epsilon);
    y = compose_mul(&c, compose_div(&c, moments.centred, moments.deviation), scale);
    if (bias != GRAPH_NONE)
        y = compose_add(&c, y, bias);
    compose_output(&c, 1, moments.mean);
    if (lower->node->output_count > 2)
        compose_output(&c, 2, compose_function(&c, FUNCTION_RECIPROCAL, moments.deviation));
    return compose_end(&c, y);
}

/* A value a channel, as 1 x channels x 1 x 1. */
static uint32_t per_channel(struct compose *c, uint32_t value, const struct lower_value *x)
{
    struct lower_value record = compose_record(c, value);
    uint64_t dims[GRAPH_RANK_MAX];

    if (c->code == 0 && (record.rank != 1 || record.dims[0] != x->dims[1]))
        compose_check(c, lower_bad(c->lower, "%s for %llu channels", DIMS_TEXT(record.rank, record.dims),
                                   (unsigned long long)x->dims[1]));
    for (uint32_t i = 0; i < x->rank; i++)
        dims[i] = i == 1 ? x->dims[1] : 1;
    return compose_reshape(c, value, x->rank, dims);
}

int lower_instance_norm(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_floats(&c, 0), scale = compose_floats(&c, 1), bias = compose_floats(&c, 2), y;
    struct lower_value record = compose_record(&c, x);
    bool axes[GRAPH_RANK_MAX] = {false};
    float epsilon = 1e-5f;
    struct moments moments;

    if (c.code == 0)
        compose_check(&c, lower_attribute_float(lower, "epsilon", 1e-5f, &epsilon));
    if (c.code == 0 && record.rank < 3)
        return lower_bad(lower, "its input is %s; batch x channels x height x width is needed",
                         DIMS_TEXT(record.rank, record.dims));
    (void)lower_attribute(lower, "consumed_inputs"); /* of operator set 1, without meaning */
    for (uint32_t i = 2; i < record.rank; i++)
        axes[i] = true;
    moments = moments_of(&c, x, axes, epsilon);
    y = compose_mul(&c, compose_div(&c, moments.centred, moments.deviation), per_channel(&c, scale, &record));
    return compose_end(&c, compose_add(&c, y, per_channel(&c, bias, &record)));
}

int lower_mean_variance(struct lower *lower)
{
    static const int64_t usual[] = {0, 2, 3};
    struct compose c = {.lower = lower};
    uint32_t x = compose_floats(&c, 0), count = 0;
    struct lower_value record = compose_record(&c, x);
    bool axes[GRAPH_RANK_MAX] = {false};
    const int64_t *asked = NULL;
    struct moments moments;

    if (c.code == 0)
        compose_check(&c, lower_attribute_ints(lower, "axes", &asked, &count));
    if (asked == NULL) {
        asked = usual;
        count = 3;
    }
    if (c.code == 0)
        compose_check(&c, lower_mark_axes(lower, asked, count, record.rank, axes));
    moments = moments_of(&c, x, axes, 0);
    /* 1e-9 beside the deviation, as ONNX's own definition of the operator by others has it */
    return compose_end(
        &c, compose_div(&c, moments.centred, compose_add(&c, moments.deviation, compose_number(&c, 1e-9f))));
}

/* x / (bias + alpha · mean of squares over a window of channels)^beta: the window is a pool's, channels as rows. */
int lower_lrn(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_floats(&c, 0), squares, power = GRAPH_NONE;
    struct lower_value record = compose_record(&c, x);
    struct graph_attributes attributes = {0};
    struct graph_window *window = &attributes.window;
    float alpha = 0, beta = 0, bias = 0;
    uint64_t dims[4];
    int64_t size = 0;

    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "size", 0, &size));
    if (c.code == 0)
        compose_check(&c, lower_attribute_float(lower, "alpha", 1e-4f, &alpha));
    if (c.code == 0)
        compose_check(&c, lower_attribute_float(lower, "beta", 0.75f, &beta));
    if (c.code == 0)
        compose_check(&c, lower_attribute_float(lower, "bias", 1, &bias));
    if (c.code < 0)
        return c.code;
    if (size < 1 || size > (int64_t)MODEL_WINDOW_MAX || record.rank < 3)
        return lower_bad(lower, "a window of %lld channels over %s", (long long)size,
                         DIMS_TEXT(record.rank, record.dims));
    memcpy(dims,
           (uint64_t[]){record.dims[0], 1, record.dims[1], dims_elements(record.rank - 2, record.dims + 2)},
           sizeof dims);
    *window = (struct graph_window){.kernel = {(uint32_t)size, 1},
                                    .stride = {1, 1},
                                    .dilation = {1, 1},
                                    .pad_begin = {(uint32_t)(size - 1) / 2, 0},
                                    .pad_end = {(uint32_t)size / 2, 0},
                                    .groups = 1,
                                    .count_include_pad = true};
    squares = compose_reshape(&c, compose_mul(&c, x, x), 4, dims);
    if (c.code == 0)
        compose_check(&c, lower_emit(lower, GRAPH_AVERAGE_POOL, &squares, 1, &attributes, 4, dims, &power));
    power = compose_reshape(&c, power, record.rank, record.dims);
    power = compose_add(&c, compose_mul(&c, power, compose_number(&c, alpha)), compose_number(&c, bias));
    power = compose_function2(&c, FUNCTION2_POW, power, compose_number(&c, beta));
    return compose_end(&c, compose_div(&c, x, power));
}
