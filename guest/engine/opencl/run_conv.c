/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions on a device: which method, its weights, and its kernels one after the other.
 *
 * The method is the processor's (kernels.h), as it belongs to the result. The direct method's passes are the windows of
 * guest/engine/kernels/window.h, one forward and one a phase backward, with a table of terms each.
 */
#include "guest/engine/kernels/window.h"
#include "guest/engine/kernels/winograd.h"
#include "guest/engine/op_states.h"
#include "guest/engine/opencl/session.h"

#include <errno.h>
#include <string.h>

#define NARROW_OUTPUTS 8u                 /* of a group: with fewer, tiles would be mostly empty */
#define GROUPS_MAX     32768u             /* along an axis of a launch, as some devices count 16 bits */
#define CHUNK_FLOATS   ((size_t)64 << 20) /* of V and M together, where an image takes no more */

/* One window: what a launch of it needs. */
struct conv_pass {
    struct conv_shape shape;
    size_t groups;
    cl_mem terms;
    size_t weights; /* where its weights start */
};

/* One direction of a convolution. */
struct conv_side {
    bool present, winograd;
    struct winograd_pass minimal;
    uint32_t padded; /* outputs of Winograd's weights */
    struct conv_pass *passes;
    size_t pass_count;
    cl_mem weights;
};

struct conv_node {
    struct conv_side forward, backward;
};

static void side_release(struct conv_side *side)
{
    for (size_t i = 0; side->passes != NULL && i < side->pass_count; i++)
        if (side->passes[i].terms != NULL)
            (void)clReleaseMemObject(side->passes[i].terms);
    free(side->passes);
    if (side->weights != NULL)
        (void)clReleaseMemObject(side->weights);
}

static void release(struct device_session *session, uint32_t node)
{
    struct conv_node *conv = session->prepared[node];

    side_release(&conv->forward);
    side_release(&conv->backward);
}

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to prepare a device's convolution");
}

static size_t round_up(size_t count, size_t unit)
{
    return (count + unit - 1) / unit * unit;
}

/* --- the direct method ------------------------------------------------------------------------------------- */

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
    return pass->shape.outputs < NARROW_OUTPUTS || pass->groups > GROUPS_MAX;
}

/* The pass of a window: shape, table of terms. */
static int make_pass(struct device_session *session, const struct kernel_conv *conv, const struct window *window,
                     bool backward, struct conv_pass *ret_pass, struct error *err)
{
    CLEANUP_FREE struct term *terms = malloc((window->terms + 1) * sizeof *terms);

    if (terms == NULL)
        return no_memory(err);
    list_terms(window, terms);
    ret_pass->shape = shape_of(conv, window, backward);
    ret_pass->groups = conv->groups;
    ret_pass->shape.padded = is_narrow(ret_pass) ? ret_pass->shape.outputs
                                                 : (uint32_t)round_up(ret_pass->shape.outputs, session->device->tile.m);
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

static int prepare_direct(struct device_session *session, const struct kernel_conv *conv, bool backward,
                          const float *weights, struct conv_side *side, struct error *err)
{
    CLEANUP_FREE float *packed = NULL;
    size_t total = 0;
    struct window window;
    int r = 0;

    side->pass_count = backward ? window_row_phases(conv) * window_column_phases(conv) : 1;
    side->passes = calloc(side->pass_count, sizeof *side->passes);
    if (side->passes == NULL)
        return no_memory(err);
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
        return no_memory(err);
    for (size_t i = 0; i < side->pass_count; i++) {
        set_window(conv, backward, i, &window);
        pack_pass(conv, &side->passes[i], &window, backward, weights, packed + side->passes[i].weights);
    }
    return session_upload(session, packed, total * sizeof *packed, "a convolution's weights", &side->weights, err);
}

static int run_direct(struct device_session *session, const struct conv_side *side, size_t images, const float *source,
                      const struct kernel_finish *finish, float *result, struct error *err)
{
    const struct opencl_tile *tile = &session->device->tile;
    int r = 0;

    for (size_t i = 0; r == 0 && i < side->pass_count; i++) {
        const struct conv_pass *pass = &side->passes[i];
        bool narrow = is_narrow(pass);
        struct launch launch = launch_begin(session->device, narrow ? KERNEL_CONV_NARROW : KERNEL_CONV);
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

/* --- Winograd's ------------------------------------------------------------------------------------------------ */

static size_t tiles_of_image(const struct winograd_pass *pass)
{
    size_t across = (pass->out_width + pass->edge - 1) / pass->edge;

    return across * ((pass->out_height + pass->edge - 1) / pass->edge);
}

static size_t points_of(const struct winograd_pass *pass)
{
    return (size_t)(pass->edge + 2) * (pass->edge + 2);
}

/* Images that go through together. */
static size_t chunk_images(const struct winograd_pass *pass)
{
    size_t image = points_of(pass) * (pass->in + pass->out) * tiles_of_image(pass);
    size_t images = image > CHUNK_FLOATS ? 1 : CHUNK_FLOATS / image;

    return images < pass->batch ? images : pass->batch;
}

/* Weights as [point][in channel][out channels, padded]. */
static int prepare_winograd(struct device_session *session, bool backward, const float *weights, struct conv_side *side,
                            struct error *err)
{
    const struct winograd_pass *pass = &side->minimal;
    size_t points = points_of(pass), plane;
    CLEANUP_FREE float *packed = NULL;

    side->padded = (uint32_t)round_up(pass->out, 4);
    plane = pass->in * side->padded;
    packed = calloc(points * plane, sizeof *packed);
    if (packed == NULL)
        return no_memory(err);
    for (size_t o = 0; o < pass->out; o++)
        for (size_t c = 0; c < pass->in; c++) {
            float transformed[WINOGRAD_POINTS_MAX];

            winograd_transform(pass, weights, backward, o, c, transformed);
            for (size_t p = 0; p < points; p++)
                packed[p * plane + c * side->padded + o] = transformed[p];
        }
    session_want_scratch(session, points * (pass->in + pass->out) * tiles_of_image(pass) * chunk_images(pass));
    return session_upload(session, packed, points * plane * sizeof *packed, "a convolution's weights", &side->weights,
                          err);
}

static int run_products(struct device_session *session, const struct conv_side *side, size_t tiles, struct error *err)
{
    const struct winograd_pass *pass = &side->minimal;
    const struct opencl_tile *tile = &session->device->tile;
    const struct dense_shape shape = {
        .m = (uint32_t)pass->out,
        .n = (uint32_t)tiles,
        .k = (uint32_t)pass->in,
        .left_m = 1,
        .left_k = side->padded,
        .right_k = (uint32_t)tiles,
        .right_n = 1,
        .result_m = (uint32_t)tiles,
        .result_n = 1,
        .left_step = (uint32_t)(pass->in * side->padded),
        .right_step = (uint32_t)(pass->in * tiles),
        .result_step = (uint32_t)(pass->out * tiles),
    };
    struct launch launch = launch_begin(session->device, KERNEL_DENSE);

    launch_place(&launch, session_at(side->weights, 0));
    launch_place(&launch, session_at(session->scratch, 0));
    launch_buffer(&launch, session->labels); /* no table: any buffer */
    launch_place(&launch, session_at(session->scratch, 0));
    launch_place(&launch, session_at(session->scratch, points_of(pass) * pass->in * tiles));
    launch_shape(&launch, 'D', &shape, sizeof shape);
    return launch_run(&launch, (tiles + tile->n - 1) / tile->n * tile->group_x, (pass->out + tile->m - 1) / tile->m,
                      points_of(pass), err);
}

static int run_chunk(struct device_session *session, const struct conv_side *side, size_t first, size_t images,
                     const float *source, const struct kernel_finish *finish, float *result, struct error *err)
{
    const struct winograd_pass *pass = &side->minimal;
    size_t tiles = tiles_of_image(pass) * images;
    struct winograd_shape shape = {
        .edge = pass->edge,
        .tiles = (uint32_t)tiles,
        .across = (uint32_t)((pass->out_width + pass->edge - 1) / pass->edge),
        .down = (uint32_t)((pass->out_height + pass->edge - 1) / pass->edge),
        .channels = (uint32_t)pass->in,
        .height = (uint32_t)pass->in_height,
        .width = (uint32_t)pass->in_width,
        .first_row = (int32_t)pass->first_row,
        .first_column = (int32_t)pass->first_column,
        .first_image = (uint32_t)first,
        .flags = session_finish_flags(finish),
    };
    struct launch launch = launch_begin(session->device, KERNEL_WINOGRAD_INPUT);
    int r;

    launch_place(&launch, session_place(session, source));
    launch_place(&launch, session_at(session->scratch, 0));
    launch_shape(&launch, 'G', &shape, sizeof shape);
    r = launch_run(&launch, tiles, pass->in, 1, err);
    if (r == 0)
        r = run_products(session, side, tiles, err);
    if (r < 0)
        return r;
    shape.channels = (uint32_t)pass->out;
    shape.height = (uint32_t)pass->out_height;
    shape.width = (uint32_t)pass->out_width;
    launch = launch_begin(session->device, KERNEL_WINOGRAD_OUTPUT);
    launch_place(&launch, session_at(session->scratch, points_of(pass) * pass->in * tiles));
    launch_place(&launch, session_place(session, finish->bias));
    launch_place(&launch, session_place(session, finish->addend));
    launch_place(&launch, session_place(session, finish->mask));
    launch_place(&launch, session_place(session, result));
    launch_shape(&launch, 'G', &shape, sizeof shape);
    return launch_run(&launch, tiles, pass->out, 1, err);
}

static int run_winograd(struct device_session *session, const struct conv_side *side, size_t images,
                        const float *source, const struct kernel_finish *finish, float *result, struct error *err)
{
    size_t chunk = chunk_images(&side->minimal);
    int r = 0;

    for (size_t first = 0; r == 0 && first < images; first += chunk)
        r = run_chunk(session, side, first, images - first < chunk ? images - first : chunk, source, finish, result,
                      err);
    return r;
}

/* --- both -------------------------------------------------------------------------------------------------------- */

static int prepare_side(struct device_session *session, const struct kernel_conv *conv, bool backward,
                        const float *weights, struct conv_side *side, struct error *err)
{
    side->present = true;
    side->winograd =
        backward ? winograd_set_backward(conv, &side->minimal) : winograd_set_forward(conv, &side->minimal);
    if (side->winograd && (side->minimal.in > GROUPS_MAX || side->minimal.out > GROUPS_MAX))
        return error_set(err, ERROR_UNAVAILABLE, -ENOTSUP, "a convolution of more than %u channels", GROUPS_MAX);
    return side->winograd ? prepare_winograd(session, backward, weights, side, err)
                          : prepare_direct(session, conv, backward, weights, side, err);
}

static int run_side(struct device_session *session, const struct conv_side *side, size_t images, const float *source,
                    const struct kernel_finish *finish, float *result, struct error *err)
{
    return side->winograd ? run_winograd(session, side, images, source, finish, result, err)
                          : run_direct(session, side, images, source, finish, result, err);
}

static int prepare(struct device_session *session, uint32_t node, bool transposed, struct error *err)
{
    const struct op_node *op = &session->nodes[node];
    const struct conv_state *state = op->state;
    const float *weights = op_input(op, 1)->constant;
    struct conv_node *conv = calloc(1, sizeof *conv);
    int r = 0;

    if (conv == NULL)
        return no_memory(err);
    session->prepared[node] = conv;
    if (!transposed || op->gradient)
        r = prepare_side(session, &state->conv, false, weights, &conv->forward, err);
    if (r == 0 && (transposed || op->gradient))
        r = prepare_side(session, &state->conv, true, weights, &conv->backward, err);
    return r;
}

static int prepare_conv(struct device_session *session, uint32_t node, struct error *err)
{
    return prepare(session, node, false, err);
}

static int prepare_transpose(struct device_session *session, uint32_t node, struct error *err)
{
    return prepare(session, node, true, err);
}

static size_t images_of(const struct op_run *run)
{
    return op_part(run, ((const struct conv_state *)run->op->state)->conv.batch);
}

static struct kernel_finish finish_with_bias(const struct op_run *run)
{
    struct kernel_finish finish = run->finish;

    finish.bias = run->op->node->input_count > 2 ? run->inputs[2] : NULL;
    return finish;
}

static int conv_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    const struct conv_node *conv = session->prepared[session_node(session, run)];
    const struct kernel_finish finish = finish_with_bias(run);

    return run_side(session, &conv->forward, images_of(run), run->inputs[0], &finish, run->output, err);
}

static int conv_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                         float *ret_dx, struct error *err)
{
    const struct conv_node *conv = session->prepared[session_node(session, run)];

    (void)input;
    return run_side(session, &conv->backward, images_of(run), dy, &run->finish, ret_dx, err);
}

/* ConvTranspose is the mirror's gradient (op_conv.c). */
static int transpose_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    const struct conv_node *conv = session->prepared[session_node(session, run)];
    const struct kernel_finish finish = finish_with_bias(run);

    return run_side(session, &conv->backward, images_of(run), run->inputs[0], &finish, run->output, err);
}

static int transpose_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                              float *ret_dx, struct error *err)
{
    const struct conv_node *conv = session->prepared[session_node(session, run)];

    (void)input;
    return run_side(session, &conv->forward, images_of(run), dy, &run->finish, ret_dx, err);
}

const struct node_calls calls_conv = {
    .prepare = prepare_conv, .release = release, .forward = conv_forward, .backward = conv_backward};
const struct node_calls calls_conv_transpose = {
    .prepare = prepare_transpose, .release = release, .forward = transpose_forward, .backward = transpose_backward};
