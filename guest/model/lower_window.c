/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lowering of what slides a window over images: convolutions and pooling.
 *
 * One spatial axis becomes two by a height of 1, with reshapes around the node; three are refused.
 */
#include "guest/model/lower.h"

#include <string.h>

enum window_kind { WINDOW_CONV, WINDOW_TRANSPOSED, WINDOW_POOL };

struct window { /* everything by spatial axis of the graph form: 0 height, 1 width */
    enum window_kind kind;
    struct graph_window form;
    uint32_t axes; /* in the model: 1 or 2 */
    uint64_t in[2], out[2];
    bool ceil;
};

/* A list of one number a spatial axis (or two, for pads), spread over the graph form's two axes. */
static int read_list(struct lower *lower, const char *name, uint32_t axes, uint32_t first, int64_t minimum,
                     uint32_t *ret_begin, uint32_t *ret_end)
{
    const int64_t *values;
    uint32_t count;
    int r = lower_attribute_ints(lower, name, &values, &count);

    if (r < 0 || values == NULL)
        return r;
    if (count != axes * (ret_end != NULL ? 2 : 1))
        return lower_bad(lower, "attribute %s has %u numbers for %u spatial axes", name, count, axes);
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] < minimum || values[i] > MODEL_WINDOW_MAX)
            return lower_bad(lower, "attribute %s holds %lld; %lld to %u is possible", name, (long long)values[i],
                             (long long)minimum, MODEL_WINDOW_MAX);
        if (i < axes)
            ret_begin[first + i] = (uint32_t)values[i];
        else
            ret_end[first + i - axes] = (uint32_t)values[i];
    }
    return 0;
}

/* The input with two spatial axes. */
static int take_images(struct lower *lower, struct window *window, uint32_t *ret_value, struct lower_value *ret_images)
{
    uint64_t dims[4];
    int r = lower_data(lower, 0, ret_value, ret_images);

    if (r < 0)
        return r;
    if (ret_images->rank == 5)
        return lower_unsupported(lower, "three spatial axes (input %s) are not supported; one and two are",
                                 DIMS_TEXT(ret_images->rank, ret_images->dims));
    if (ret_images->rank != 3 && ret_images->rank != 4)
        return lower_bad(lower, "its input is %s; batch x channels x height x width is needed",
                         DIMS_TEXT(ret_images->rank, ret_images->dims));
    window->axes = ret_images->rank - 2;
    if (window->axes == 1) {
        memcpy(dims, (uint64_t[]){ret_images->dims[0], ret_images->dims[1], 1, ret_images->dims[2]}, sizeof dims);
        r = lower_reshape(lower, *ret_value, 4, dims, ret_value);
        if (r < 0)
            return r;
        *ret_images = lower->values[*ret_value];
    }
    window->in[0] = ret_images->dims[2];
    window->in[1] = ret_images->dims[3];
    return 0;
}

static int read_window(struct lower *lower, struct window *window)
{
    struct graph_window *form = &window->form;
    uint32_t first = 2 - window->axes;
    int r;

    for (uint32_t i = 0; i < 2; i++)
        form->stride[i] = form->dilation[i] = 1;
    r = read_list(lower, "strides", window->axes, first, 1, form->stride, NULL);
    if (r == 0)
        r = read_list(lower, "dilations", window->axes, first, 1, form->dilation, NULL);
    if (r == 0)
        r = read_list(lower, "pads", window->axes, first, 0, form->pad_begin, form->pad_end);
    return r;
}

static uint64_t extent(const struct graph_window *form, uint32_t axis) /* of the window, holes included */
{
    return (uint64_t)(form->kernel[axis] - 1) * form->dilation[axis] + 1;
}

/* auto_pad: 0 for NOTSET, else what it asks for. */
enum auto_pad { AUTO_NOTSET, AUTO_VALID, AUTO_UPPER, AUTO_LOWER };

static int read_auto_pad(struct lower *lower, enum auto_pad *ret_auto)
{
    static const char *const names[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
    struct span text;
    int r = lower_attribute_text(lower, "auto_pad", &text);

    if (r < 0)
        return r;
    *ret_auto = AUTO_NOTSET;
    if (text.size == 0)
        return 0;
    for (unsigned i = 0; i < 4; i++)
        if (span_equal(text, names[i])) {
            *ret_auto = (enum auto_pad)i;
            return 0;
        }
    return lower_bad(lower, "auto_pad '%s' is not known", SPAN_TEXT(text));
}

/* Splits padding over both ends of an axis: the odd one at the end for SAME_UPPER. */
static void split_pad(struct graph_window *form, uint32_t axis, uint64_t total, bool upper)
{
    uint32_t half = (uint32_t)(total / 2), rest = (uint32_t)(total - total / 2);

    form->pad_begin[axis] = upper ? half : rest;
    form->pad_end[axis] = upper ? rest : half;
}

/* The output's size along an axis, for convolutions and pools, and the padding that gives it. */
static int size_axis(struct lower *lower, struct window *window, enum auto_pad automatic, uint32_t axis)
{
    struct graph_window *form = &window->form;
    uint64_t stride = form->stride[axis], in = window->in[axis], reach = extent(form, axis), padded, out;

    if (automatic == AUTO_VALID)
        form->pad_begin[axis] = form->pad_end[axis] = 0;
    if (automatic == AUTO_UPPER || automatic == AUTO_LOWER) {
        out = (in + stride - 1) / stride;
        padded = (out - 1) * stride + reach;
        split_pad(form, axis, padded > in ? padded - in : 0, automatic == AUTO_UPPER);
    }
    padded = in + form->pad_begin[axis] + form->pad_end[axis];
    if (padded < reach)
        return lower_bad(lower, "a window of %llu does not fit into %llu (axis %u, padding included)",
                         (unsigned long long)reach, (unsigned long long)padded, axis);
    out = (padded - reach) / stride + 1;
    if (window->ceil && (padded - reach) % stride != 0 && out * stride < in + form->pad_begin[axis])
        out++; /* only a window that begins before the padding at the end */
    window->out[axis] = out;
    padded = (out - 1) * stride + reach;
    if (window->ceil && padded > in + form->pad_begin[axis] + form->pad_end[axis]) {
        if (form->count_include_pad)
            return lower_unsupported(lower, "count_include_pad with a window that ceil_mode lets overhang");
        form->pad_end[axis] = (uint32_t)(padded - in - form->pad_begin[axis]);
    }
    return 0;
}

static int size_window(struct lower *lower, struct window *window)
{
    enum auto_pad automatic;
    int r = read_auto_pad(lower, &automatic);

    for (uint32_t axis = 0; r == 0 && axis < 2; axis++)
        r = size_axis(lower, window, automatic, axis);
    return r;
}

/* Emits the node and gives the output its number of spatial axes back. */
static int emit_window(struct lower *lower, struct window *window, enum graph_op op, const uint32_t *inputs,
                       uint32_t input_count, uint64_t batch, uint64_t channels)
{
    struct graph_attributes attributes = {.window = window->form};
    uint64_t dims[4] = {batch, channels, window->out[0], window->out[1]};
    int r = lower_emit(lower, op, inputs, input_count, &attributes, 4, dims, &lower->result);

    if (r < 0 || window->axes == 2)
        return r;
    dims[2] = window->out[1];
    return lower_reshape(lower, lower->result, 3, dims, &lower->result);
}

/* --- convolutions ---------------------------------------------------------------------------- */

/* Weights with two spatial axes, the kernel's size and the number of groups. */
static int take_weights(struct lower *lower, struct window *window, uint64_t *ret_first, uint64_t *ret_second,
                        uint32_t *ret_value)
{
    struct lower_value weights;
    uint32_t kernel[2] = {1, 1};
    uint64_t dims[4];
    int64_t groups;
    int r = lower_parameter(lower, 1, window->axes + 2, ret_value, &weights);

    if (r == 0)
        r = lower_attribute_int(lower, "group", 1, &groups);
    if (r < 0)
        return r;
    if (groups < 1 || groups > UINT16_MAX * 16)
        return lower_bad(lower, "%lld groups", (long long)groups);
    memcpy(dims, weights.dims, 2 * sizeof *dims);
    dims[2] = window->axes == 1 ? 1 : weights.dims[2];
    dims[3] = weights.dims[window->axes + 1];
    if (dims[2] == 0 || dims[3] == 0 || dims[2] > MODEL_WINDOW_MAX || dims[3] > MODEL_WINDOW_MAX || dims[0] == 0 ||
        dims[1] == 0)
        return lower_bad(lower, "its weights are %s", DIMS_TEXT(weights.rank, weights.dims));
    window->form.groups = (uint32_t)groups;
    for (uint32_t i = 0; i < 2; i++)
        window->form.kernel[i] = kernel[i] = (uint32_t)dims[2 + i];
    r = read_list(lower, "kernel_shape", window->axes, 2 - window->axes, 1, kernel, NULL);
    if (r < 0)
        return r;
    if (memcmp(kernel, window->form.kernel, sizeof kernel) != 0)
        return lower_bad(lower, "kernel_shape is %ux%u and its weights are %s", kernel[0], kernel[1],
                         DIMS_TEXT(weights.rank, weights.dims));
    *ret_first = dims[0];
    *ret_second = dims[1];
    return lower_reshape(lower, *ret_value, 4, dims, ret_value);
}

/* The bias at input 2, or GRAPH_NONE. */
static int take_bias(struct lower *lower, uint64_t channels, uint32_t *ret_value)
{
    struct lower_value bias;
    int r;

    *ret_value = GRAPH_NONE;
    if (lower_input(lower, 2) == GRAPH_NONE)
        return 0;
    r = lower_parameter(lower, 2, 1, ret_value, &bias);
    if (r == 0 && bias.dims[0] != channels)
        r = lower_bad(lower, "a bias of %llu for %llu channels", (unsigned long long)bias.dims[0],
                      (unsigned long long)channels);
    return r;
}

int lower_conv(struct lower *lower)
{
    struct window window = {.kind = WINDOW_CONV};
    struct lower_value images;
    uint64_t out_channels, in_channels;
    uint32_t inputs[3];
    int r = take_images(lower, &window, &inputs[0], &images);

    if (r == 0)
        r = read_window(lower, &window);
    if (r == 0)
        r = take_weights(lower, &window, &out_channels, &in_channels, &inputs[1]);
    if (r < 0)
        return r;
    if (in_channels * window.form.groups != images.dims[1] || out_channels % window.form.groups != 0)
        return lower_bad(lower, "%llu channels, but its weights are for %llu in %u groups, and give %llu",
                         (unsigned long long)images.dims[1], (unsigned long long)(in_channels * window.form.groups),
                         window.form.groups, (unsigned long long)out_channels);
    r = take_bias(lower, out_channels, &inputs[2]);
    if (r == 0)
        r = size_window(lower, &window);
    return r < 0 ? r : emit_window(lower, &window, GRAPH_CONV, inputs, 3, images.dims[0], out_channels);
}

/* An axis of ConvTranspose: output_shape, or the size that padding leaves. */
static int size_transposed(struct lower *lower, struct window *window, enum auto_pad automatic, uint32_t asked,
                           uint32_t axis)
{
    struct graph_window *form = &window->form;
    uint64_t full = (window->in[axis] - 1) * form->stride[axis] + extent(form, axis) + form->output_pad[axis];
    uint64_t pads = (uint64_t)form->pad_begin[axis] + form->pad_end[axis];

    if (asked == 0 && (automatic == AUTO_UPPER || automatic == AUTO_LOWER))
        asked =
            (uint32_t)(window->in[axis] * form->stride[axis] <= MODEL_DIM_MAX ? window->in[axis] * form->stride[axis]
                                                                              : 0);
    if (automatic == AUTO_VALID)
        form->pad_begin[axis] = form->pad_end[axis] = 0;
    if (asked == 0) {
        if (full <= (automatic == AUTO_VALID ? 0 : pads))
            return lower_bad(lower, "its padding leaves no output");
        window->out[axis] = full - (automatic == AUTO_VALID ? 0 : pads);
        return 0;
    }
    window->out[axis] = asked;
    if (full >= asked) {
        split_pad(form, axis, full - asked, automatic == AUTO_UPPER);
        return 0;
    }
    form->pad_begin[axis] = form->pad_end[axis] = 0;
    form->output_pad[axis] += (uint32_t)(asked - full);
    return 0;
}

int lower_conv_transpose(struct lower *lower)
{
    struct window window = {.kind = WINDOW_TRANSPOSED};
    struct lower_value images;
    uint64_t in_channels, out_channels;
    uint32_t inputs[3], asked[2] = {0, 0};
    enum auto_pad automatic = AUTO_NOTSET;
    int r = take_images(lower, &window, &inputs[0], &images);

    if (r == 0)
        r = read_window(lower, &window);
    if (r == 0)
        r = take_weights(lower, &window, &in_channels, &out_channels, &inputs[1]);
    if (r == 0)
        r = read_list(lower, "output_padding", window.axes, 2 - window.axes, 0, window.form.output_pad, NULL);
    if (r == 0)
        r = read_list(lower, "output_shape", window.axes, 2 - window.axes, 1, asked, NULL);
    if (r == 0)
        r = read_auto_pad(lower, &automatic);
    if (r < 0)
        return r;
    if (in_channels != images.dims[1] || in_channels % window.form.groups != 0)
        return lower_bad(lower, "%llu channels, but its weights are for %llu in %u groups",
                         (unsigned long long)images.dims[1], (unsigned long long)in_channels, window.form.groups);
    out_channels *= window.form.groups;
    r = take_bias(lower, out_channels, &inputs[2]);
    if (window.axes == 1 && asked[1] != 0)
        asked[0] = 1;
    for (uint32_t axis = 0; r == 0 && axis < 2; axis++)
        r = size_transposed(lower, &window, automatic, asked[axis], axis);
    return r < 0 ? r : emit_window(lower, &window, GRAPH_CONV_TRANSPOSE, inputs, 3, images.dims[0], out_channels);
}

/* --- pooling --------------------------------------------------------------------------------- */

static int lower_pool(struct lower *lower, enum graph_op op, struct window *window)
{
    struct graph_window *form = &window->form;
    struct lower_value images;
    int64_t ceil_mode;
    uint32_t input;
    int r = take_images(lower, window, &input, &images);

    if (r == 0)
        r = read_window(lower, window);
    if (r == 0)
        r = read_list(lower, "kernel_shape", window->axes, 2 - window->axes, 1, form->kernel, NULL);
    if (r == 0)
        r = lower_attribute_int(lower, "ceil_mode", 0, &ceil_mode);
    if (r < 0)
        return r;
    if (window->axes == 1)
        form->kernel[0] = 1;
    if (form->kernel[1] == 0)
        return lower_bad(lower, "attribute kernel_shape is missing");
    form->groups = 1;
    window->ceil = ceil_mode != 0;
    r = size_window(lower, window);
    for (uint32_t axis = 0; r == 0 && axis < 2; axis++)
        if (form->pad_begin[axis] >= extent(form, axis) || form->pad_end[axis] >= extent(form, axis))
            r = lower_unsupported(lower, "padding as large as its window");
    return r < 0 ? r : emit_window(lower, window, op, &input, 1, images.dims[0], images.dims[1]);
}

int lower_max_pool(struct lower *lower)
{
    struct window window = {.kind = WINDOW_POOL};

    (void)lower_attribute(lower, "storage_order"); /* concerns the indices, which are refused where used */
    return lower_pool(lower, GRAPH_MAX_POOL, &window);
}

int lower_average_pool(struct lower *lower)
{
    struct window window = {.kind = WINDOW_POOL};
    int64_t include;
    int r = lower_attribute_int(lower, "count_include_pad", 0, &include);

    if (r < 0)
        return r;
    if (lower_attribute(lower, "dilations") != NULL)
        return lower_bad(lower, "dilations came with operator set 19");
    window.form.count_include_pad = include != 0;
    return lower_pool(lower, GRAPH_AVERAGE_POOL, &window);
}

int lower_global_average_pool(struct lower *lower)
{
    struct lower_value images;
    uint64_t dims[GRAPH_RANK_MAX];
    uint32_t input, rank;
    int r = lower_data(lower, 0, &input, &images);

    if (r < 0)
        return r;
    rank = images.rank;
    if (rank < 3)
        return lower_bad(lower, "its input is %s; batch x channels x height x width is needed",
                         DIMS_TEXT(rank, images.dims));
    if (rank != 4) { /* the mean is over all spatial axes, in the order of the elements */
        memcpy(dims, (uint64_t[]){images.dims[0], images.dims[1], 1, dims_elements(rank - 2, images.dims + 2)},
               4 * sizeof *dims);
        r = lower_reshape(lower, input, 4, dims, &input);
        if (r < 0)
            return r;
    }
    for (uint32_t i = 2; i < GRAPH_RANK_MAX; i++)
        dims[i] = 1;
    dims[0] = images.dims[0];
    dims[1] = images.dims[1];
    r = lower_emit(lower, GRAPH_GLOBAL_AVERAGE_POOL, &input, 1, NULL, 4, dims, &lower->result);
    return r < 0 || rank == 4 ? r : lower_reshape(lower, lower->result, rank, dims, &lower->result);
}
