/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution, and its gradient with respect to the input.
 *
 * The direct method; winograd.c has the other.
 *
 * Order of one y: acc = 0; input channel of the group, kernel row, kernel column, each ascending;
 * x outside its bounds is +0 and takes part; then it is finished as kernels.h says.
 *
 * Order of one dx at (row, column): acc = 0; output channel of the group, kernel row, kernel column,
 * each ascending, of the taps that meet the stride's grid: (row + pad_top - kernel row · dilation)
 * divisible by the stride, and likewise for columns. Other taps take no part; dy outside its bounds
 * is +0 and takes part. Where no tap meets the grid, dx is +0.
 *
 * Groups of few outputs (depthwise) would leave most lanes empty, so there the lanes are positions.
 */
#include "conv_pack.h"
#include "winograd.h"

#include <errno.h>
#include <string.h>

#define CHUNK_FLOATS ((size_t)1 << 18) /* images copied at once, at least one: a share of L2 */
#define ROWS_FLOATS  ((size_t)4096)    /* sums of a narrow group at once, at least a line */

/* One window over the tensors it reads and writes. */
struct pass {
    struct window window;
    size_t groups, batch;
    size_t outputs; /* channels of one group */
    size_t result_height, result_width;
    const float *source, *packed;
    struct kernel_finish finish;
    float *result;
    /* set while it runs */
    uint32_t *offsets;
    float *copies;  /* [images of the chunk × source channels × plane] */
    float *workers; /* memory of each thread */
    size_t worker_size;
    size_t first_image, images; /* the chunk */
    const struct product_table *table;
};

/* --- running ----------------------------------------------------------------------------------- */

/* Planes of the chunk, counted by image, then channel. */
static void copy_planes(void *argument, unsigned worker, size_t first, size_t last)
{
    const struct pass *pass = argument;
    const struct window *window = &pass->window;
    size_t size = window->row.source_size * window->column.source_size;
    const float *source = pass->source + pass->first_image * window->source_channels * size;

    (void)worker;
    for (size_t plane = first; plane < last; plane++)
        window_copy_plane(window, source + plane * size, pass->first_image != 0, pass->copies + plane * window->plane);
}

/* The chunk as a sweep over tiles. */
static void run_wide(struct kernels *kernels, const struct pass *pass)
{
    const struct window *window = &pass->window;
    size_t result_plane = pass->result_height * pass->result_width;
    size_t channels = pass->groups * pass->outputs, image = window->source_channels * window->plane;
    struct sweep sweep = {
        .source = window->copied ? pass->copies : pass->source + (ptrdiff_t)(pass->first_image * image) + window->start,
        .source_image = image,
        .source_group = window->group_channels * window->plane,
        .source_line = window->pitch,
        .offsets = pass->offsets,
        .terms = window->terms,
        .groups = pass->groups,
        .images = pass->images,
        .lines = window->row.outputs,
        .columns = window->column.outputs,
        .outputs = pass->outputs,
        .packed = pass->packed,
        .bias = pass->finish.bias,
        .relu = pass->finish.relu,
        .result_image = channels * result_plane,
        .result_output = result_plane,
        .result_line = window->row.out_step * pass->result_width,
        .result_column = window->column.out_step,
    };
    size_t first = pass->first_image * channels * result_plane + window->row.out_first * pass->result_width +
                   window->column.out_first;

    sweep.result = pass->result + first;
    sweep.addend = pass->finish.addend == NULL ? NULL : pass->finish.addend + first;
    sweep.mask = pass->finish.mask == NULL ? NULL : pass->finish.mask + first;
    sweep_run(kernels, &sweep, pass->workers);
}

/* To line[0], line[step], ... of the result, finished but for the bias. */
static void store_line(const struct pass *pass, const float *sums, size_t count, size_t step, float *ret_line)
{
    const struct kernel_finish *finish = &pass->finish;

    if (finish->addend != NULL || finish->mask != NULL || finish->relu)
        for (size_t i = 0, at = (size_t)(ret_line - pass->result); i < count; i++, at += step) {
            float value = finish->addend == NULL ? sums[i] : sums[i] + finish->addend[at];

            if (finish->relu)
                value = value <= 0.0f ? 0.0f : value;
            if (finish->mask != NULL)
                value = finish->mask[at] <= 0.0f ? 0.0f : value;
            pass->result[at] = value;
        }
    else if (step == 1)
        memcpy(ret_line, sums, count * sizeof(*sums));
    else
        for (size_t i = 0; i < count; i++)
            ret_line[i * step] = sums[i];
}

/* Lines of one group of an image, at once as many as the memory allows: the pitch's gaps lie between. */
static void run_narrow_group(const struct pass *pass, size_t image, size_t group, float *sums)
{
    const struct window *window = &pass->window;
    const struct window_axis *row = &window->row, *column = &window->column;
    size_t lines = ROWS_FLOATS / window->pitch, lanes = pass->table->lanes;
    size_t first = group * pass->outputs, plane = pass->result_height * pass->result_width;
    float *result = pass->result + ((pass->first_image + image) * pass->groups * pass->outputs + first) * plane +
                    row->out_first * pass->result_width + column->out_first;
    struct row work = {
        .offsets = pass->offsets,
        .weights = pass->packed + first * window->terms,
        .bias = pass->finish.bias != NULL ? pass->finish.bias + first : NULL,
        .terms = window->terms,
        .sums = sums,
    };

    lines = lines == 0 ? 1 : lines;
    for (size_t line = 0; line < row->outputs; line += lines) {
        size_t some = row->outputs - line < lines ? row->outputs - line : lines;
        size_t count = (some - 1) * window->pitch + column->outputs;

        work.x = pass->copies + (image * window->source_channels + group * window->group_channels) * window->plane +
                 line * window->pitch;
        work.count = (count + lanes - 1) / lanes * lanes;
        pass->table->rows[pass->outputs - 1](&work);
        for (size_t o = 0; o < pass->outputs; o++)
            for (size_t i = 0; i < some; i++)
                store_line(pass, sums + o * work.count + i * window->pitch, column->outputs, column->out_step,
                           result + o * plane + (line + i) * row->out_step * pass->result_width);
    }
}

/* Groups of the chunk's images, counted by image, then group. */
static void run_narrow(void *argument, unsigned worker, size_t first, size_t last)
{
    const struct pass *pass = argument;

    for (size_t i = first; i < last; i++)
        run_narrow_group(pass, i / pass->groups, i % pass->groups, pass->workers + worker * pass->worker_size);
}

/* What a pass takes from the scratch, in floats; the chunk is as many images as fit the cache. */
struct room {
    size_t copies, total;
};

static int measure_pass(const struct kernels *kernels, struct pass *pass, bool narrow, struct room *ret_room)
{
    const struct window *window = &pass->window;
    size_t threads = pool_threads(kernels->pool), image, copies = 0, total;
    size_t offsets = kernels_round_floats(window->terms);

    if (__builtin_mul_overflow(window->plane, window->source_channels, &image))
        return -EOVERFLOW;
    pass->images = pass->batch;
    if (window->copied) {
        pass->images = image < CHUNK_FLOATS ? CHUNK_FLOATS / image : 1;
        pass->images = pass->images < pass->batch ? pass->images : pass->batch;
        if (__builtin_mul_overflow(image, pass->images, &copies) ||
            __builtin_add_overflow(copies, 2 * LANES_WIDEST, &copies)) /* rows read whole vectors */
            return -EOVERFLOW;
        copies = kernels_round_floats(copies);
    }
    pass->worker_size = sweep_scratch_size();
    if (narrow)
        pass->worker_size =
            ROW_OUTPUTS_MAX *
            (kernels_round_floats(window->pitch > ROWS_FLOATS ? window->pitch : ROWS_FLOATS) + LANES_WIDEST);
    if (__builtin_mul_overflow(pass->worker_size, threads, &total) || __builtin_add_overflow(total, offsets, &total) ||
        __builtin_add_overflow(total, copies, &total))
        return -EOVERFLOW;
    *ret_room = (struct room){.copies = copies, .total = total};
    return 0;
}

static int prepare_pass(struct kernels *kernels, struct pass *pass, bool narrow)
{
    struct room room;
    float *scratch;
    int r = measure_pass(kernels, pass, narrow, &room);

    if (r < 0)
        return r;
    scratch = kernels_scratch(kernels, room.total);
    if (scratch == NULL)
        return -ENOMEM;
    pass->workers = scratch;
    pass->copies = scratch + pool_threads(kernels->pool) * pass->worker_size;
    pass->offsets = (uint32_t *)(void *)(pass->copies + room.copies);
    window_offsets(&pass->window, pass->offsets);
    return 0;
}

static int run_pass(struct kernels *kernels, struct pass *pass)
{
    bool narrow = conv_is_narrow(kernels->product->lanes, pass->outputs);
    double products;
    size_t chunk;
    int r;

    pass->table = kernels->product;
    r = window_lay_out(&pass->window, narrow);
    if (r == 0)
        r = prepare_pass(kernels, pass, narrow);
    if (r < 0)
        return r;
    chunk = pass->images;
    for (pass->first_image = 0; pass->first_image < pass->batch; pass->first_image += chunk) {
        if (pass->batch - pass->first_image < chunk)
            pass->images = pass->batch - pass->first_image;
        products = (double)(pass->images * pass->groups * pass->outputs) * (double)pass->window.terms *
                   (double)(pass->window.row.outputs * pass->window.column.outputs);
        if (pass->window.copied)
            kernels_share(kernels, products, pass->images * pass->window.source_channels, copy_planes, pass);
        if (narrow)
            kernels_share(kernels, products, pass->images * pass->groups, run_narrow, pass);
        else
            run_wide(kernels, pass);
    }
    return 0;
}

/* The phase meets no kernel element: its sums are empty. */
static void clear_phase(const struct pass *pass)
{
    const struct window_axis *row = &pass->window.row, *column = &pass->window.column;
    static const float zeros[256];

    for (size_t plane = 0; plane < pass->batch * pass->groups * pass->outputs; plane++)
        for (size_t i = 0; i < row->outputs; i++) {
            float *line = pass->result +
                          (plane * pass->result_height + row->out_first + i * row->out_step) * pass->result_width +
                          column->out_first;

            for (size_t j = 0; j < column->outputs; j += 256)
                store_line(pass, zeros, column->outputs - j < 256 ? column->outputs - j : 256, column->out_step,
                           line + j * column->out_step);
        }
}

static struct pass forward_pass(const struct kernel_conv *conv)
{
    struct pass pass = {
        .groups = conv->groups,
        .batch = conv->batch,
        .outputs = conv->out_channels / conv->groups,
        .result_height = conv->out_height,
        .result_width = conv->out_width,
    };

    window_set_forward(conv, &pass.window);
    return pass;
}

static struct pass backward_pass(const struct kernel_conv *conv, size_t phase)
{
    size_t columns = window_column_phases(conv);
    struct pass pass = {
        .groups = conv->groups,
        .batch = conv->batch,
        .outputs = conv->in_channels / conv->groups,
        .result_height = conv->in_height,
        .result_width = conv->in_width,
    };

    window_set_backward(conv, phase / columns, phase % columns, &pass.window);
    return pass;
}

int kernel_conv_forward_finish(struct kernels *kernels, const struct kernel_conv *conv, const float *x,
                               const float *packed, const struct kernel_finish *finish, float *ret_y)
{
    int r = window_check_conv(conv);
    struct winograd_pass winograd;
    struct pass pass;

    if (r < 0 || conv->batch == 0)
        return r;
    if (winograd_set_forward(conv, &winograd))
        return winograd_run(kernels, &winograd, x, packed, finish, ret_y);
    pass = forward_pass(conv);
    pass.source = x;
    pass.packed = packed;
    pass.result = ret_y;
    if (finish != NULL)
        pass.finish = *finish;
    return run_pass(kernels, &pass);
}

int kernel_conv_forward(struct kernels *kernels, const struct kernel_conv *conv, const float *x, const float *packed,
                        const float *bias, float *ret_y)
{
    const struct kernel_finish finish = {.bias = bias};

    return kernel_conv_forward_finish(kernels, conv, x, packed, &finish, ret_y);
}

int kernel_conv_backward_input_finish(struct kernels *kernels, const struct kernel_conv *conv, const float *dy,
                                      const float *packed, const struct kernel_finish *finish, float *ret_dx)
{
    int r = window_check_conv(conv);
    struct winograd_pass winograd;
    size_t phases;

    if (r < 0 || conv->batch == 0)
        return r;
    if (winograd_set_backward(conv, &winograd))
        return winograd_run(kernels, &winograd, dy, packed, finish, ret_dx);
    phases = window_row_phases(conv) * window_column_phases(conv);
    for (size_t phase = 0; phase < phases; phase++) {
        struct pass pass = backward_pass(conv, phase);

        pass.source = dy;
        pass.packed = packed;
        pass.result = ret_dx;
        if (finish != NULL)
            pass.finish = *finish;
        packed += conv->groups * conv_packed_group_size(kernels->product->lanes, pass.outputs, pass.window.terms);
        if (pass.window.terms == 0)
            clear_phase(&pass);
        else
            r = run_pass(kernels, &pass);
        if (r < 0)
            return r;
    }
    return 0;
}

int kernel_conv_backward_input(struct kernels *kernels, const struct kernel_conv *conv, const float *dy,
                               const float *packed, float *ret_dx)
{
    return kernel_conv_backward_input_finish(kernels, conv, dy, packed, NULL, ret_dx);
}

/* --- memory ------------------------------------------------------------------------------------ */

static size_t pass_scratch(const struct kernels *kernels, struct pass *pass)
{
    bool narrow = conv_is_narrow(kernels->product->lanes, pass->outputs);
    struct room room;

    if (pass->window.terms == 0)
        return 0;
    if (window_lay_out(&pass->window, narrow) < 0 || measure_pass(kernels, pass, narrow, &room) < 0)
        return SIZE_MAX;
    return room.total;
}

size_t kernel_conv_forward_scratch(const struct kernels *kernels, const struct kernel_conv *conv)
{
    struct winograd_pass winograd;
    struct pass pass;

    if (window_check_conv(conv) < 0 || conv->batch == 0)
        return 0;
    if (winograd_set_forward(conv, &winograd))
        return winograd_scratch(kernels, &winograd);
    pass = forward_pass(conv);
    return pass_scratch(kernels, &pass);
}

size_t kernel_conv_backward_scratch(const struct kernels *kernels, const struct kernel_conv *conv)
{
    struct winograd_pass winograd;
    size_t phases, most = 0;

    if (window_check_conv(conv) < 0 || conv->batch == 0)
        return 0;
    if (winograd_set_backward(conv, &winograd))
        return winograd_scratch(kernels, &winograd);
    phases = window_row_phases(conv) * window_column_phases(conv);
    for (size_t phase = 0; phase < phases; phase++) {
        struct pass pass = backward_pass(conv, phase);
        size_t floats = pass_scratch(kernels, &pass);

        most = floats > most ? floats : most;
    }
    return most;
}
