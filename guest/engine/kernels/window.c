/* SPDX-License-Identifier: Apache-2.0 */
/* The geometry of a convolution as planes that are walked one element at a time. */
#include "window.h"

#include <emmintrin.h>
#include <errno.h>
#include <string.h>

#define SHORT_FLOATS  64u
#define DIMENSION_MAX ((size_t)1 << 30) /* so that sums of products of two never overflow */

static size_t greatest_common_divisor(size_t a, size_t b)
{
    while (b != 0) {
        size_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static bool dimensions_valid(const size_t *dimensions, size_t count, size_t least)
{
    for (size_t i = 0; i < count; i++)
        if (dimensions[i] < least || dimensions[i] > DIMENSION_MAX)
            return false;
    return true;
}

/* Whether a tensor of these dimensions can be addressed. */
static bool tensor_fits(size_t a, size_t b, size_t c, size_t d)
{
    size_t bytes;

    return !__builtin_mul_overflow(a, b, &bytes) && !__builtin_mul_overflow(bytes, c, &bytes) &&
           !__builtin_mul_overflow(bytes, d, &bytes) && !__builtin_mul_overflow(bytes, 16 * sizeof(float), &bytes) &&
           bytes <= PTRDIFF_MAX;
}

int window_check_conv(const struct kernel_conv *conv)
{
    const size_t positive[] = {
        conv->groups,       conv->in_channels,     conv->in_height,      conv->in_width,     conv->out_channels,
        conv->out_height,   conv->out_width,       conv->kernel_height,  conv->kernel_width, conv->stride_height,
        conv->stride_width, conv->dilation_height, conv->dilation_width,
    };
    const size_t any[] = {conv->batch, conv->pad_top, conv->pad_left};

    if (!dimensions_valid(positive, sizeof(positive) / sizeof(positive[0]), 1) ||
        !dimensions_valid(any, sizeof(any) / sizeof(any[0]), 0))
        return -EINVAL;
    if (conv->in_channels % conv->groups != 0 || conv->out_channels % conv->groups != 0)
        return -EINVAL;
    if (!tensor_fits(conv->batch, conv->in_channels, conv->in_height, conv->in_width) ||
        !tensor_fits(conv->batch, conv->out_channels, conv->out_height, conv->out_width) ||
        !tensor_fits(conv->out_channels, conv->in_channels, conv->kernel_height, conv->kernel_width))
        return -EINVAL;
    return 0;
}

static struct window_axis forward_axis(size_t in, size_t out, size_t kernel, size_t stride, size_t dilation, size_t pad)
{
    size_t period = stride / greatest_common_divisor(stride, dilation);

    return (struct window_axis){
        .outputs = out,
        .out_step = 1,
        .taps = kernel,
        .tap_step = 1,
        .source_size = in,
        .step = stride,
        .dilation = dilation,
        .slots = kernel < period ? kernel : period,
        .length = out + (kernel - 1) * dilation / stride,
        .origin = -(ptrdiff_t)pad,
    };
}

static struct window_axis backward_axis(size_t in, size_t out, size_t kernel, size_t stride, size_t dilation,
                                        size_t pad, size_t phase)
{
    size_t divisor = greatest_common_divisor(stride, dilation), period = stride / divisor;
    struct window_axis axis = {
        .outputs = (in - phase - 1) / stride + 1,
        .out_first = phase,
        .out_step = stride,
        .tap_step = period,
        .source_size = out,
        .step = 1,
        .dilation = dilation / divisor,
        .slots = 1,
        .backward = true,
    };
    ptrdiff_t distance = (ptrdiff_t)(phase + pad);

    for (size_t tap = 0; tap < kernel && tap < period; tap++, distance -= (ptrdiff_t)dilation) {
        if (distance % (ptrdiff_t)stride != 0)
            continue;
        axis.tap_first = tap;
        axis.taps = (kernel - 1 - tap) / period + 1;
        axis.length = axis.outputs + (axis.taps - 1) * axis.dilation;
        axis.origin = distance / (ptrdiff_t)stride - (ptrdiff_t)((axis.taps - 1) * axis.dilation);
        break;
    }
    return axis;
}

void window_set_forward(const struct kernel_conv *conv, struct window *ret_window)
{
    *ret_window = (struct window){
        .row = forward_axis(conv->in_height, conv->out_height, conv->kernel_height, conv->stride_height,
                            conv->dilation_height, conv->pad_top),
        .column = forward_axis(conv->in_width, conv->out_width, conv->kernel_width, conv->stride_width,
                               conv->dilation_width, conv->pad_left),
        .source_channels = conv->in_channels,
        .group_channels = conv->in_channels / conv->groups,
    };
    ret_window->terms = ret_window->group_channels * conv->kernel_height * conv->kernel_width;
}

void window_set_backward(const struct kernel_conv *conv, size_t row_phase, size_t column_phase,
                         struct window *ret_window)
{
    *ret_window = (struct window){
        .row = backward_axis(conv->in_height, conv->out_height, conv->kernel_height, conv->stride_height,
                             conv->dilation_height, conv->pad_top, row_phase),
        .column = backward_axis(conv->in_width, conv->out_width, conv->kernel_width, conv->stride_width,
                                conv->dilation_width, conv->pad_left, column_phase),
        .source_channels = conv->out_channels,
        .group_channels = conv->out_channels / conv->groups,
    };
    ret_window->terms = ret_window->group_channels * ret_window->row.taps * ret_window->column.taps;
}

size_t window_row_phases(const struct kernel_conv *conv)
{
    return conv->stride_height < conv->in_height ? conv->stride_height : conv->in_height;
}

size_t window_column_phases(const struct kernel_conv *conv)
{
    return conv->stride_width < conv->in_width ? conv->stride_width : conv->in_width;
}

/* Whether the axis can be read where the tensor lies: no padding, no step. */
static bool axis_lies_ready(const struct window_axis *axis)
{
    return axis->step == 1 && axis->origin >= 0 && axis->length <= axis->source_size &&
           (size_t)axis->origin <= axis->source_size - axis->length;
}

/* Whole lines of outputs that read whole lines follow one another: one long line. */
static void join_lines(struct window *window)
{
    struct window_axis *row = &window->row, *column = &window->column;

    if (column->outputs != column->source_size || column->out_step != 1 || row->out_step != 1)
        return;
    column->outputs *= row->outputs;
    row->outputs = 1;
}

int window_lay_out(struct window *window, bool force_copy)
{
    const struct window_axis *row = &window->row, *column = &window->column;
    size_t lines, group;

    window->copied = force_copy || !axis_lies_ready(row) || !axis_lies_ready(column);
    if (window->copied) {
        if (__builtin_mul_overflow(column->slots, column->length, &window->pitch) ||
            __builtin_mul_overflow(row->slots, row->length, &lines) ||
            __builtin_mul_overflow(window->pitch, lines, &window->plane))
            return -EOVERFLOW;
    } else {
        window->pitch = column->source_size;
        window->plane = row->source_size * column->source_size;
        window->start = row->origin * (ptrdiff_t)window->pitch + column->origin;
    }
    if (__builtin_mul_overflow(window->plane, window->group_channels, &group) || group > UINT32_MAX)
        return -EOVERFLOW;
    if (!window->copied)
        join_lines(window);
    return 0;
}

/* How far tap t is from a position's first element, along a stored axis. */
static size_t tap_place(const struct window_axis *axis, size_t t)
{
    if (axis->backward)
        return (axis->taps - 1 - t) * axis->dilation;
    return t % axis->slots * axis->length + t * axis->dilation / axis->step;
}

void window_offsets(const struct window *window, uint32_t *ret_offsets)
{
    for (size_t channel = 0; channel < window->group_channels; channel++)
        for (size_t r = 0; r < window->row.taps; r++) {
            size_t line = channel * window->plane + tap_place(&window->row, r) * window->pitch;

            for (size_t c = 0; c < window->column.taps; c++)
                *ret_offsets++ = (uint32_t)(line + tap_place(&window->column, c));
        }
}

/* The source coordinate of an element of a slot. */
static ptrdiff_t source_coordinate(const struct window_axis *axis, size_t slot, size_t index)
{
    size_t residue = axis->backward || axis->step == 1 ? 0 : slot * axis->dilation % axis->step;

    return (ptrdiff_t)(index * axis->step + residue) + axis->origin;
}

/* Every second element from an even place on: neighbouring pairs are split by a shuffle. */
static void copy_second(const float *source, size_t count, float *ret_copy)
{
    size_t i = 0;

    for (; i + 4 < count; i += 4) /* the element after the last one taken is never read */
        _mm_storeu_ps(ret_copy + i,
                      _mm_shuffle_ps(_mm_loadu_ps(source + 2 * i), _mm_loadu_ps(source + 2 * i + 4), 0x88));
    for (; i < count; i++)
        ret_copy[i] = source[2 * i];
}

/* Steps to go at least this far; most steps are 1, and a division costs as much as a short line. */
static ptrdiff_t steps_over(ptrdiff_t distance, ptrdiff_t step)
{
    return step == 1 ? distance : (distance + step - 1) / step;
}

/* The slots of one line from a row of the source; what lies outside it is left alone. */
static void copy_line(const struct window_axis *axis, const float *source, float *ret_line)
{
    ptrdiff_t size = (ptrdiff_t)axis->source_size, step = (ptrdiff_t)axis->step;

    for (size_t slot = 0; slot < axis->slots; slot++, ret_line += axis->length) {
        ptrdiff_t first = source_coordinate(axis, slot, 0), length = (ptrdiff_t)axis->length;
        ptrdiff_t begin = first < 0 ? steps_over(-first, step) : 0;
        ptrdiff_t end = first < size ? steps_over(size - first, step) : 0;
        const float *from;

        end = end < length ? end : length;
        if (begin >= end)
            continue;
        from = source + (first + begin * step);
        if (step == 1)
            memcpy(ret_line + begin, from, (size_t)(end - begin) * sizeof(*ret_line));
        else if (step == 2)
            copy_second(from, (size_t)(end - begin), ret_line + begin);
        else
            for (ptrdiff_t i = begin; i < end; i++, from += step)
                ret_line[i] = *from;
    }
}

/* Most lines are a few vectors long, and then a call of memcpy costs more than the copy. */
static inline void copy_short(const float *source, size_t count, float *ret_copy)
{
    size_t i = 0;

    if (count > SHORT_FLOATS) {
        memcpy(ret_copy, source, count * sizeof(*source));
        return;
    }
    for (; i + 4 <= count; i += 4)
        _mm_storeu_ps(ret_copy + i, _mm_loadu_ps(source + i));
    for (; i < count; i++)
        ret_copy[i] = source[i];
}

/* The part of an axis of step 1 that the source has: stored elements [begin, end). */
struct part {
    size_t begin, end;
};

static struct part part_of(const struct window_axis *axis)
{
    ptrdiff_t length = (ptrdiff_t)axis->length, end = (ptrdiff_t)axis->source_size - axis->origin;
    struct part part = {.begin = axis->origin < 0 ? (size_t)-axis->origin : 0};

    end = end < length ? end : length;
    part.end = end < (ptrdiff_t)part.begin ? part.begin : (size_t)end;
    return part;
}

/* A window of step 1 both ways: the plane is the source's, shifted. */
static void copy_shifted(const struct window *window, const float *source, float *ret_plane)
{
    const struct part rows = part_of(&window->row), columns = part_of(&window->column);
    const size_t width = window->column.source_size;

    if (columns.begin == columns.end)
        return;
    source +=
        (ptrdiff_t)(rows.begin * width + columns.begin) + window->row.origin * (ptrdiff_t)width + window->column.origin;
    ret_plane += rows.begin * window->pitch + columns.begin;
    for (size_t row = rows.begin; row < rows.end; row++, source += width, ret_plane += window->pitch)
        copy_short(source, columns.end - columns.begin, ret_plane);
}

static bool is_plain(const struct window_axis *axis)
{
    return axis->step == 1 && axis->slots == 1;
}

void window_copy_plane(const struct window *window, const float *source, bool padded, float *ret_plane)
{
    const struct window_axis *row = &window->row, *column = &window->column;

    if (!padded)
        memset(ret_plane, 0, window->plane * sizeof(*ret_plane));
    if (is_plain(row) && is_plain(column)) {
        copy_shifted(window, source, ret_plane);
        return;
    }
    for (size_t slot = 0; slot < row->slots; slot++)
        for (size_t i = 0; i < row->length; i++, ret_plane += window->pitch) {
            ptrdiff_t y = source_coordinate(row, slot, i);

            if (y >= 0 && y < (ptrdiff_t)row->source_size)
                copy_line(column, source + y * (ptrdiff_t)column->source_size, ret_plane);
        }
}
