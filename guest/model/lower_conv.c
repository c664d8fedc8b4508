/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of convolutions. */
#include "guest/model/lower_index.h"
#include "guest/model/lower_window.h"

#include <string.h>

/* Constant weights: the kernel's sizes and the number of groups; gives them with three spatial axes. */
static uint32_t take_weights(struct compose *c, struct window *window, uint32_t weights)
{
    struct lower_value record = compose_record(c, weights);
    uint64_t dims[5] = {record.dims[0], record.dims[1], 1, 1, 1};
    uint32_t three[3];
    int64_t groups = 1;

    if (c->code == 0 && !record.constant)
        compose_check(c, lower_unsupported(c->lower, "its input 1 is computed; it must be a constant"));
    if (c->code == 0 && record.rank != window->axes + 2)
        compose_check(c, lower_bad(c->lower, "its input 1 has %u dimensions instead of %u", record.rank,
                                   window->axes + 2));
    if (c->code == 0)
        compose_check(c, lower_attribute_int(c->lower, "group", 1, &groups));
    if (c->code == 0 && (groups < 1 || groups > UINT16_MAX * 16))
        compose_check(c, lower_bad(c->lower, "%lld groups", (long long)groups));
    if (c->code < 0)
        return GRAPH_NONE;
    memcpy(dims + 5 - window->axes, record.dims + 2, window->axes * sizeof *dims);
    for (uint32_t i = 0; i < 3; i++) {
        if (dims[2 + i] == 0 || dims[2 + i] > MODEL_WINDOW_MAX || record.elements == 0) {
            compose_check(c, lower_bad(c->lower, "its weights are %s", DIMS_TEXT(record.rank, record.dims)));
            return GRAPH_NONE;
        }
        window->span[i].kernel = three[i] = (uint32_t)dims[2 + i];
    }
    window->groups = (uint32_t)groups;
    window_list(c, window, "kernel_shape", 1, three);
    for (uint32_t i = 0; c->code == 0 && i < 3; i++)
        if (three[i] != window->span[i].kernel)
            compose_check(c, lower_bad(c->lower, "kernel_shape says %u where its weights are %s", three[i],
                                       DIMS_TEXT(record.rank, record.dims)));
    return compose_reshape(c, weights, 5, dims);
}

static void check_bias(struct compose *c, uint32_t bias, uint64_t channels)
{
    struct lower_value record;

    if (c->code < 0 || bias == GRAPH_NONE)
        return;
    record = compose_record(c, bias);
    if (!record.constant)
        compose_check(c, lower_unsupported(c->lower, "its input 2 is computed; it must be a constant"));
    else if (record.rank != 1)
        compose_check(c, lower_bad(c->lower, "its input 2 has %u dimensions instead of 1", record.rank));
    else if (record.dims[0] != channels)
        compose_check(c, lower_bad(c->lower, "a bias of %llu for %llu channels", (unsigned long long)record.dims[0],
                                   (unsigned long long)channels));
}

/* The node on images, which the depth has been made part of. */
static uint32_t emit(struct compose *c, enum graph_op op, const struct window *window, const uint32_t *inputs,
                     uint64_t channels)
{
    struct graph_attributes attributes = {.window = window_form(window)};
    uint64_t dims[4] = {window->batch * window->span[WINDOW_DEPTH].out, channels, window->span[1].out,
                        window->span[2].out};
    uint32_t value = GRAPH_NONE;

    if (c->code == 0)
        compose_check(c, lower_emit(c->lower, op, inputs, 3, &attributes, 4, dims, &value));
    return c->code < 0 ? GRAPH_NONE : value;
}

uint32_t window_convolve(struct compose *c, uint32_t x, uint32_t weights, uint32_t bias)
{
    struct window window = {0};
    struct window_span *depth = &window.span[WINDOW_DEPTH];
    CLEANUP_FREE int64_t *planes = NULL;
    struct lower_value record;
    uint64_t out, in;
    uint32_t inputs[3];

    x = window_take(c, &window, x);
    weights = take_weights(c, &window, weights);
    record = compose_record(c, weights);
    out = record.dims[0];
    in = record.dims[1];
    if (c->code == 0 && (in * window.groups != window.channels || out % window.groups != 0))
        compose_check(c, lower_bad(c->lower, "%llu channels, but its weights are for %llu in %u groups, and give %llu",
                                   (unsigned long long)window.channels, (unsigned long long)(in * window.groups),
                                   window.groups, (unsigned long long)out));
    check_bias(c, bias, out);
    window_measure(c, &window);
    planes = index_table(c, depth->out > INDEX_TABLE_MAX ? UINT64_MAX : depth->out * depth->kernel);
    for (uint64_t i = 0; c->code == 0 && i < depth->out * depth->kernel; i++) {
        uint64_t at = i / depth->kernel * depth->stride + i % depth->kernel * depth->dilation;

        planes[i] = (int64_t)(at < depth->pad_begin || at - depth->pad_begin >= depth->in ? depth->in
                                                                                         : at - depth->pad_begin);
    }
    inputs[0] = window_unroll(c, &window, x, planes);
    inputs[1] = compose_reshape(c, weights, 4, (uint64_t[]){out, in * depth->kernel, record.dims[3], record.dims[4]});
    inputs[2] = bias;
    return window_roll(c, &window, emit(c, GRAPH_CONV, &window, inputs, out), out);
}

/* An optional input of floats. */
static uint32_t take_bias(struct compose *c)
{
    return lower_input(c->lower, 2) == GRAPH_NONE ? GRAPH_NONE : compose_floats(c, 2);
}

int lower_conv(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_floats(&c, 0), weights = compose_floats(&c, 1), bias = take_bias(&c);

    return compose_end(&c, window_convolve(&c, x, weights, bias));
}

/* An axis of ConvTranspose: output_shape, or the size that padding leaves. */
static void measure_transposed(struct compose *c, struct window_span *span, enum window_auto automatic, uint64_t asked)
{
    uint64_t full = (span->in - 1) * span->stride + window_extent(span) + span->output_pad;
    uint64_t pads = (uint64_t)span->pad_begin + span->pad_end;

    if (c->code < 0)
        return;
    if (asked == 0 && (automatic == WINDOW_UPPER || automatic == WINDOW_LOWER))
        asked = span->in * span->stride <= MODEL_DIM_MAX ? span->in * span->stride : 0;
    if (automatic == WINDOW_VALID)
        span->pad_begin = span->pad_end = 0;
    if (asked == 0) {
        if (full <= (automatic == WINDOW_VALID ? 0 : pads)) {
            compose_check(c, lower_bad(c->lower, "its padding leaves no output"));
            return;
        }
        span->out = full - (automatic == WINDOW_VALID ? 0 : pads);
        return;
    }
    span->out = asked;
    if (full >= asked) {
        window_split_pad(span, full - asked, automatic == WINDOW_UPPER);
        return;
    }
    span->pad_begin = span->pad_end = 0;
    span->output_pad += (uint32_t)(asked - full);
}

int lower_conv_transpose(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct window window = {0};
    struct window_span *depth = &window.span[WINDOW_DEPTH];
    CLEANUP_FREE int64_t *planes = NULL;
    struct lower_value record;
    uint32_t x = window_take(&c, &window, compose_floats(&c, 0));
    uint32_t weights = take_weights(&c, &window, compose_floats(&c, 1)), inputs[3], padding[3] = {0}, asked[3] = {0};
    enum window_auto automatic = window_auto_pad(&c);
    uint64_t out;

    record = compose_record(&c, weights);
    out = record.dims[1] * window.groups;
    window_list(&c, &window, "output_padding", 0, padding);
    window_list(&c, &window, "output_shape", 1, asked);
    if (c.code == 0 && (record.dims[0] != window.channels || window.channels % window.groups != 0))
        return lower_bad(lower, "%llu channels, but its weights are for %llu in %u groups",
                         (unsigned long long)window.channels, (unsigned long long)record.dims[0], window.groups);
    for (uint32_t i = 0; i < 3; i++) {
        window.span[i].output_pad = padding[i];
        measure_transposed(&c, &window.span[i], i < 3 - window.axes ? WINDOW_VALID : automatic, asked[i]);
    }
    inputs[2] = take_bias(&c);
    check_bias(&c, inputs[2], out);
    planes = index_table(&c, depth->out > INDEX_TABLE_MAX ? UINT64_MAX : depth->out * depth->kernel);
    for (uint64_t i = 0; c.code == 0 && i < depth->out * depth->kernel; i++) {
        int64_t at = (int64_t)(i / depth->kernel) + depth->pad_begin - (int64_t)(i % depth->kernel) * depth->dilation;

        planes[i] = (int64_t)depth->in;
        if (at >= 0 && at % depth->stride == 0 && (uint64_t)at / depth->stride < depth->in)
            planes[i] = at / depth->stride;
    }
    inputs[0] = window_unroll(&c, &window, x, planes);
    inputs[1] = compose_transpose(&c, weights, (uint32_t[]){0, 2, 1, 3, 4});
    inputs[1] = compose_reshape(
        &c, inputs[1], 4, (uint64_t[]){window.channels * depth->kernel, record.dims[1], record.dims[3], record.dims[4]});
    return compose_end(&c, window_roll(&c, &window, emit(&c, GRAPH_CONV_TRANSPOSE, &window, inputs, out), out));
}
