/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions on a device by the direct method: the windows of guest/engine/kernels/window.h, one forward and one a
 * phase backward, with a table of terms each.
 */
#include "guest/engine/kernels/window.h"
#include "guest/engine/opencl/conv_side.h"

#define NARROW_OUTPUTS 8u /* of a group: with fewer, tiles would be mostly empty */

/* One window: what a launch of it needs. */
struct conv_pass {
    struct conv_shape shape;
    const struct opencl_tile *tile;
    size_t groups;
    cl_mem terms;
    size_t weights; /* where its weights start */
};

void conv_direct_release(struct conv_side *side)
{
    for (size_t i = 0; side->passes != NULL && i < side->pass_count; i++)
        if (side->passes[i].terms != NULL)
            (void)clReleaseMemObject(side->passes[i].terms);
    free(side->passes);
}

/* Where tap t of output 0 reads, along an axis of the source. */
static ptrdiff_t tap_at(const struct window_axis *axis, size_t t)
{
    size_t step = axis->backward ? axis->taps - 1 - t : t;

    return axis->origin + (ptrdiff_t)(step * axis->dilation);
}

struct term {
    cl_int at, row, column, unused;
};

static void list_terms(const struct window *window, struct term *ret_terms)
{
    ptrdiff_t width = (ptrdiff_t)window->column.source_size;

    for (size_t channel = 0; channel < window->group_channels; channel++)
        for (size_t r = 0; r < window->row.taps; r++)
            for (size_t c = 0; c < window->column.taps; c++) {
                ptrdiff_t row = tap_at(&window->row, r), column = tap_at(&window->column, c);
                ptrdiff_t plane = (ptrdiff_t)(channel * window->row.source_size) * width;

                *ret_terms++ = (struct term){(cl_int)(plane + row * width + column), (cl_int)row, (cl_int)column, 0};
            }
}

/* The weight of one output of a group and one term, in OIHW. */
static float weight_of(const struct kernel_conv *conv, const struct window *window, bool backward, size_t group,
                       size_t output, size_t term, const float *weights)
{
    size_t taps = window->row.taps * window->column.taps, channel = term / taps, tap = term % taps;
    size_t row = window->row.tap_first + tap / window->column.taps * window->row.tap_step;
    size_t column = window->column.tap_first + tap % window->column.taps * window->column.tap_step;
    size_t outs = conv->out_channels / conv->groups, ins = conv->in_channels / conv->groups;
    size_t o = group * outs + (backward ? channel : output), i = backward ? output : channel;

    return weights[((o * ins + i) * conv->kernel_height + row) * conv->kernel_width + column];
}

static struct conv_shape shape_of(const struct kernel_conv *conv, const struct window *window, bool backward)
{
    size_t channels = backward ? conv->in_channels : conv->out_channels;
    size_t height = backward ? conv->in_height : conv->out_height, width = backward ? conv->in_width : conv->out_width;

    return (struct conv_shape){
        .terms = (uint32_t)window->terms,
        .outputs = (uint32_t)(channels / conv->groups),
        .rows = (uint32_t)window->row.outputs,
        .columns = (uint32_t)window->column.outputs,
        .source_channels = (uint32_t)window->source_channels,
        .group_channels = (uint32_t)window->group_channels,
        .height = (uint32_t)window->row.source_size,
        .width = (uint32_t)window->column.source_size,
        .row_step = (uint32_t)window->row.step,
        .column_step = (uint32_t)window->column.step,
        .result_channels = (uint32_t)channels,
        .result_plane = (uint32_t)(height * width),
        .result_width = (uint32_t)width,
        .row_first = (uint32_t)window->row.out_first,
        .row_stride = (uint32_t)window->row.out_step,
        .column_first = (uint32_t)window->column.out_first,
        .column_stride = (uint32_t)window->column.out_step,
    };
}

static bool is_narrow(const struct conv_pass *pass)
{
    return pass->shape.outputs < NARROW_OUTPUTS || pass->groups > CONV_GROUPS_MAX;
}

/* The pass of a window: shape, table of terms. */
static int make_pass(struct device_session *session, const struct kernel_conv *conv, const struct window *window,
                     bool backward, struct conv_pass *ret_pass, struct error *err)
{
    CLEANUP_FREE struct term *terms = malloc((window->terms + 1) * sizeof *terms);

    if (terms == NULL)
        return conv_no_memory(err);
    list_terms(window, terms);
    ret_pass->shape = shape_of(conv, window, backward);
    ret_pass->groups = conv->groups;
    ret_pass->tile = opencl_tile_for(session->device, ret_pass->shape.outputs);
    ret_pass->shape.padded = is_narrow(ret_pass) ? ret_pass->shape.outputs
                                                 : (uint32_t)conv_round_up(ret_pass->shape.outputs, ret_pass->tile->m);
    return session_upload(session, terms, window->terms * sizeof *terms, "a convolution's terms", &ret_pass->terms,
                          err);
}

static void set_window(const struct kernel_conv *conv, bool backward, size_t phase, struct window *ret_window)
{
    if (backward)
        window_set_backward(conv, phase / window_column_phases(conv), phase % window_column_phases(conv), ret_window);
    else
        window_set_forward(conv, ret_window);
}

static size_t pass_weights(const struct conv_pass *pass)
{
    return pass->groups * pass->shape.terms * pass->shape.padded;
}

static void pack_pass(const struct kernel_conv *conv, const struct conv_pass *pass, const struct window *window,
                      bool backward, const float *weights, float *ret_packed)
{
    const struct conv_shape *shape = &pass->shape;

    for (size_t group = 0; group < pass->groups; group++)
        for (size_t term = 0; term < shape->terms; term++, ret_packed += shape->padded)
            for (size_t output = 0; output < shape->padded; output++)
                ret_packed[output] =
                    output < shape->outputs ? weight_of(conv, window, backward, group, output, term, weights) : 0;
}

int conv_direct_prepare(struct device_session *session, const struct kernel_conv *conv, bool backward,
                        const float *weights, struct conv_side *side, struct error *err)
{
    CLEANUP_FREE float *packed = NULL;
    size_t total = 0;
    struct window window;
    int r = 0;

    side->pass_count = backward ? window_row_phases(conv) * window_column_phases(conv) : 1;
    side->passes = calloc(side->pass_count, sizeof *side->passes);
    if (side->passes == NULL)
        return conv_no_memory(err);
    for (size_t i = 0; r == 0 && i < side->pass_count; i++) {
        set_window(conv, backward, i, &window);
        r = make_pass(session, conv, &window, backward, &side->passes[i], err);
        side->passes[i].weights = total;
        total += pass_weights(&side->passes[i]);
    }
    if (r < 0)
        return r;
    packed = malloc((total + 1) * sizeof *packed);
    if (packed == NULL)
        return conv_no_memory(err);
    for (size_t i = 0; i < side->pass_count; i++) {
        set_window(conv, backward, i, &window);
        pack_pass(conv, &side->passes[i], &window, backward, weights, packed + side->passes[i].weights);
    }
    return session_upload(session, packed, total * sizeof *packed, "a convolution's weights", &side->weights, err);
}

int conv_direct_run(struct device_session *session, const struct conv_side *side, size_t images, const float *source,
                    const struct kernel_finish *finish, float *result, struct error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < side->pass_count; i++) {
        const struct conv_pass *pass = &side->passes[i];
        const struct opencl_tile *tile = pass->tile;
        bool narrow = is_narrow(pass);
        struct launch launch = launch_begin(session->device, narrow ? KERNEL_CONV_NARROW : tile->conv);
        struct conv_shape shape = pass->shape;
        size_t positions = images * shape.rows * shape.columns;

        shape.images = (uint32_t)images;
        shape.flags = session_finish_flags(finish);
        launch_place(&launch, session_place(session, source));
        launch_place(&launch, session_at(side->weights, pass->weights));
        launch_buffer(&launch, pass->terms);
        launch_place(&launch, session_place(session, finish->bias));
        launch_place(&launch, session_place(session, finish->addend));
        launch_place(&launch, session_place(session, finish->mask));
        launch_place(&launch, session_place(session, result));
        launch_shape(&launch, 'C', &shape, sizeof shape);
        if (narrow)
            r = launch_run(&launch, positions * shape.result_channels, 1, 1, err);
        else
            r = launch_run(&launch, (positions + tile->n - 1) / tile->n * tile->group_x, shape.padded / tile->m,
                           pass->groups, err);
    }
    return r;
}
