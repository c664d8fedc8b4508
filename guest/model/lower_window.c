/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The geometry of what slides a window over images.
 *
 * The graph form has windows over height and width. One spatial axis becomes two by a height of 1, with reshapes
 * around the node. Three become two by taking the planes that a window covers along the depth as channels.
 */
#include "guest/model/lower_window.h"

#include <errno.h>
#include <string.h>

uint32_t window_take(struct compose *c, struct window *window, uint32_t x)
{
    struct lower_value images = compose_record(c, x);
    uint64_t dims[5] = {images.dims[0], images.dims[1], 1, 1, 1};
    uint32_t three[3], pads[3], first;

    if (c->code < 0)
        return GRAPH_NONE;
    if (images.rank < 3 || images.rank > 5) {
        compose_check(c, lower_bad(c->lower, "its input is %s; batch x channels x height x width is needed",
                                   DIMS_TEXT(images.rank, images.dims)));
        return GRAPH_NONE;
    }
    window->axes = images.rank - 2;
    window->groups = 1;
    window->batch = dims[0];
    window->channels = dims[1];
    first = 3 - window->axes;
    memcpy(dims + 2 + first, images.dims + 2, window->axes * sizeof *dims);
    for (uint32_t i = 0; i < 3; i++)
        window->span[i] = (struct window_span){.kernel = 1, .stride = 1, .dilation = 1, .in = dims[2 + i]};
    for (uint32_t i = 0; i < 3; i++)
        three[i] = 1;
    window_list(c, window, "strides", 1, three);
    for (uint32_t i = 0; i < 3; i++) {
        window->span[i].stride = three[i];
        three[i] = 1;
    }
    window_list(c, window, "dilations", 1, three);
    for (uint32_t i = 0; i < 3; i++) {
        window->span[i].dilation = three[i];
        three[i] = pads[i] = 0;
    }
    if (c->code == 0) {
        const int64_t *values = NULL;
        uint32_t count = 0;

        compose_check(c, lower_attribute_ints(c->lower, "pads", &values, &count));
        if (c->code == 0 && values != NULL && count != 2 * window->axes)
            compose_check(c, lower_bad(c->lower, "attribute pads has %u numbers for %u spatial axes", count,
                                       window->axes));
        for (uint32_t i = 0; c->code == 0 && values != NULL && i < count; i++) {
            if (values[i] < 0 || values[i] > MODEL_WINDOW_MAX)
                compose_check(c, lower_bad(c->lower, "attribute pads holds %lld; 0 to %u is possible",
                                           (long long)values[i], MODEL_WINDOW_MAX));
            else if (i < window->axes)
                three[first + i] = (uint32_t)values[i];
            else
                pads[first + i - window->axes] = (uint32_t)values[i];
        }
    }
    for (uint32_t i = 0; i < 3; i++) {
        window->span[i].pad_begin = three[i];
        window->span[i].pad_end = pads[i];
    }
    return compose_reshape(c, x, 5, dims);
}

void window_list(struct compose *c, const struct window *window, const char *name, int64_t minimum,
                 uint32_t *ret_three)
{
    const int64_t *values = NULL;
    uint32_t count = 0;

    if (c->code == 0)
        compose_check(c, lower_attribute_ints(c->lower, name, &values, &count));
    if (c->code < 0 || values == NULL)
        return;
    if (count != window->axes) {
        compose_check(c, lower_bad(c->lower, "attribute %s has %u numbers for %u spatial axes", name, count,
                                   window->axes));
        return;
    }
    for (uint32_t i = 0; i < count && c->code == 0; i++) {
        if (values[i] < minimum || values[i] > MODEL_WINDOW_MAX)
            compose_check(c, lower_bad(c->lower, "attribute %s holds %lld; %lld to %u is possible", name,
                                       (long long)values[i], (long long)minimum, MODEL_WINDOW_MAX));
        ret_three[3 - window->axes + i] = (uint32_t)values[i];
    }
}

uint64_t window_extent(const struct window_span *span)
{
    return (uint64_t)(span->kernel - 1) * span->dilation + 1;
}

enum window_auto window_auto_pad(struct compose *c)
{
    static const char *const names[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
    struct span text = {0};

    if (c->code == 0)
        compose_check(c, lower_attribute_text(c->lower, "auto_pad", &text));
    if (c->code < 0 || text.size == 0)
        return WINDOW_NOTSET;
    for (unsigned i = 0; i < 4; i++)
        if (span_equal(text, names[i]))
            return (enum window_auto)i;
    compose_check(c, lower_bad(c->lower, "auto_pad '%s' is not known", SPAN_TEXT(text)));
    return WINDOW_NOTSET;
}

void window_split_pad(struct window_span *span, uint64_t total, bool upper)
{
    uint32_t half = (uint32_t)(total / 2), rest = (uint32_t)(total - total / 2);

    span->pad_begin = upper ? half : rest;
    span->pad_end = upper ? rest : half;
}

static void measure_axis(struct compose *c, struct window *window, enum window_auto automatic, uint32_t axis)
{
    struct window_span *span = &window->span[axis];
    uint64_t stride = span->stride, in = span->in, reach = window_extent(span), padded, out;

    if (automatic == WINDOW_VALID)
        span->pad_begin = span->pad_end = 0;
    if (automatic == WINDOW_UPPER || automatic == WINDOW_LOWER) {
        out = (in + stride - 1) / stride;
        padded = (out - 1) * stride + reach;
        window_split_pad(span, padded > in ? padded - in : 0, automatic == WINDOW_UPPER);
    }
    padded = in + span->pad_begin + span->pad_end;
    if (padded < reach) {
        compose_check(c, lower_bad(c->lower, "a window of %llu does not fit into %llu (axis %u, padding included)",
                                   (unsigned long long)reach, (unsigned long long)padded, axis + window->axes - 3));
        return;
    }
    out = (padded - reach) / stride + 1;
    if (window->ceil && (padded - reach) % stride != 0 && out * stride < in + span->pad_begin)
        out++; /* only a window that begins before the padding at the end */
    span->out = out;
    padded = (out - 1) * stride + reach;
    if (window->ceil && padded > in + span->pad_begin + span->pad_end) {
        if (window->count_include_pad)
            compose_check(c, lower_unsupported(c->lower,
                                               "count_include_pad with a window that ceil_mode lets overhang"));
        span->pad_end = (uint32_t)(padded - in - span->pad_begin);
    }
}

void window_measure(struct compose *c, struct window *window)
{
    enum window_auto automatic = window_auto_pad(c);

    for (uint32_t axis = 0; c->code == 0 && axis < 3; axis++)
        measure_axis(c, window, automatic, axis);
}

struct graph_window window_form(const struct window *window)
{
    struct graph_window form = {.groups = window->groups, .count_include_pad = window->count_include_pad};

    for (uint32_t i = 0; i < 2; i++) {
        const struct window_span *span = &window->span[1 + i];

        form.kernel[i] = span->kernel;
        form.stride[i] = span->stride;
        form.dilation[i] = span->dilation;
        form.pad_begin[i] = span->pad_begin;
        form.pad_end[i] = span->pad_end;
        form.output_pad[i] = span->output_pad;
    }
    return form;
}

uint32_t window_give(struct compose *c, const struct window *window, uint32_t y, uint64_t channels)
{
    uint64_t dims[5] = {window->batch, channels};

    for (uint32_t i = 0; i < window->axes; i++)
        dims[2 + i] = window->span[3 - window->axes + i].out;
    return compose_reshape(c, y, 2 + window->axes, dims);
}

uint32_t window_unroll(struct compose *c, const struct window *window, uint32_t x, const int64_t *planes)
{
    const struct window_span *depth = &window->span[WINDOW_DEPTH], *height = depth + 1, *width = depth + 2;
    uint64_t taken = depth->out * depth->kernel;

    if (depth->kernel > 1 || depth->out > 1 || depth->in > 1) {
        x = compose_gather(c, compose_pad(c, x, 2, 0, 1, 0), 2, planes, taken);
        x = compose_reshape(
            c, x, 6, (uint64_t[]){window->batch, window->channels, depth->out, depth->kernel, height->in, width->in});
        x = compose_transpose(c, x, (uint32_t[]){0, 2, 1, 3, 4, 5});
    }
    return compose_reshape(c, x, 4,
                           (uint64_t[]){window->batch * depth->out, window->channels * depth->kernel, height->in,
                                        width->in});
}

uint32_t window_roll(struct compose *c, const struct window *window, uint32_t y, uint64_t channels)
{
    const struct window_span *depth = &window->span[WINDOW_DEPTH], *height = depth + 1, *width = depth + 2;

    if (depth->out > 1) {
        y = compose_reshape(c, y, 5, (uint64_t[]){window->batch, depth->out, channels, height->out, width->out});
        y = compose_transpose(c, y, (uint32_t[]){0, 2, 1, 3, 4});
    }
    return window_give(c, window, y, channels);
}
