/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling: guest/engine/op_pool.c's sums and maxima, the gradients by place instead of by window. */
struct pool_shape {
    uint planes, height, width, out_height, out_width;
    uint kernel_height, kernel_width, row_stride, column_stride, row_dilation, column_dilation;
    uint pad_top, pad_left, pad_bottom, pad_right;
    uint maximum, include_pad;
};

/* Of one window along an axis: the first place in the image, how many, and how many in the padded image. */
struct pool_span {
    uint begin, count, padded;
};

static uint positions_before(uint start, uint end, uint dilation, uint kernel_size)
{
    uint count = start >= end ? 0 : (end - start + dilation - 1) / dilation;

    return count < kernel_size ? count : kernel_size;
}

static struct pool_span span_of(uint o, uint stride, uint dilation, uint kernel_size, uint size, uint begin, uint end)
{
    const uint start = o * stride;
    const uint before = positions_before(start, begin, dilation, kernel_size);
    const uint inside = positions_before(start, begin + size, dilation, kernel_size);
    struct pool_span span;

    span.begin = inside > before ? start + before * dilation - begin : 0;
    span.count = inside - before;
    span.padded = positions_before(start, begin + size + end, dilation, kernel_size);
    return span;
}

static struct pool_span rows_of(const struct pool_shape *s, uint o)
{
    return span_of(o, s->row_stride, s->row_dilation, s->kernel_height, s->height, s->pad_top, s->pad_bottom);
}

static struct pool_span columns_of(const struct pool_shape *s, uint o)
{
    return span_of(o, s->column_stride, s->column_dilation, s->kernel_width, s->width, s->pad_left, s->pad_right);
}

static float pool_divisor(const struct pool_shape *s, struct pool_span rows, struct pool_span columns)
{
    return s->include_pad ? (float)(rows.padded * columns.padded) : (float)(rows.count * columns.count);
}

/* Where a window's maximum lies, the first of equals, or its first NaN; the window has places in the image. */
static uint place_of_maximum(const struct pool_shape *s, __global const float *x, struct pool_span rows,
                             struct pool_span columns)
{
    uint best = rows.begin * s->width + columns.begin;
    float maximum = x[best];

    for (uint i = 0; i < rows.count; i++)
        for (uint j = 0; j < columns.count; j++) {
            uint at = (rows.begin + i * s->row_dilation) * s->width + columns.begin + j * s->column_dilation;
            float value = x[at];

            if (value != value)
                return at;
            if (value > maximum) {
                best = at;
                maximum = value;
            }
        }
    return best;
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void pool(PLACE(x), PLACE(y), struct pool_shape s)
{
    OPEN(x);
    OPEN(y);
    const uint out = max(s.out_height * s.out_width, 1u), at = get_global_id(0) % out, plane = get_global_id(0) / out;
    __global const float *image = x + (ulong)plane * s.height * s.width;
    struct pool_span rows, columns;
    float result = 0.0f;

    if (plane >= s.planes)
        return;
    rows = rows_of(&s, at / s.out_width);
    columns = columns_of(&s, at % s.out_width);
    if (s.maximum) {
        result = -INFINITY;
        if (rows.count > 0 && columns.count > 0)
            result = image[place_of_maximum(&s, image, rows, columns)];
    } else {
        const float divisor = pool_divisor(&s, rows, columns);

        for (uint i = 0; i < rows.count; i++)
            for (uint j = 0; j < columns.count; j++)
                result = result + image[(rows.begin + i * s.row_dilation) * s.width + columns.begin +
                                        j * s.column_dilation];
        result = divisor > 0.0f ? result / divisor : 0.0f;
    }
    y[(ulong)plane * out + at] = result;
}

/* Whether a window's places along an axis have this one. */
static bool reaches(struct pool_span span, uint dilation, uint place)
{
    return place >= span.begin && span.count > 0 && (place - span.begin) % dilation == 0 &&
           (place - span.begin) / dilation < span.count;
}

/* The first and last windows along an axis that may reach a place; last is one further. */
static void windows_at(uint place, uint begin, uint stride, uint dilation, uint kernel_size, uint outputs,
                       uint *ret_first, uint *ret_last)
{
    const uint padded = place + begin, reach = (kernel_size - 1) * dilation;

    *ret_first = padded > reach ? (padded - reach + stride - 1) / stride : 0;
    *ret_last = min(padded / stride + 1, outputs);
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
pool_gradient(PLACE(x), PLACE(dy), PLACE(dx), struct pool_shape s)
{
    OPEN(x);
    OPEN(dy);
    OPEN(dx);
    const uint in = max(s.height * s.width, 1u), at = get_global_id(0) % in, plane = get_global_id(0) / in;
    __global const float *image = x + (ulong)plane * in;
    __global const float *gradient = dy + (ulong)plane * s.out_height * s.out_width;
    uint first_row, last_row, first_column, last_column;
    float sum = 0.0f;

    if (plane >= s.planes)
        return;
    windows_at(at / s.width, s.pad_top, s.row_stride, s.row_dilation, s.kernel_height, s.out_height, &first_row,
               &last_row);
    windows_at(at % s.width, s.pad_left, s.column_stride, s.column_dilation, s.kernel_width, s.out_width,
               &first_column, &last_column);
    for (uint i = first_row; i < last_row; i++)
        for (uint j = first_column; j < last_column; j++) {
            const struct pool_span rows = rows_of(&s, i), columns = columns_of(&s, j);

            if (!reaches(rows, s.row_dilation, at / s.width) || !reaches(columns, s.column_dilation, at % s.width))
                continue;
            if (!s.maximum)
                sum = sum + gradient[i * s.out_width + j] / pool_divisor(&s, rows, columns);
            else if (place_of_maximum(&s, image, rows, columns) == at)
                sum = sum + gradient[i * s.out_width + j];
        }
    dx[(ulong)plane * in + at] = sum;
}

/* y = (0 plus all of the plane) / their number. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void global_average(PLACE(x), PLACE(y), uint inner,
                                                                             uint planes)
{
    OPEN(x);
    OPEN(y);
    const uint plane = get_global_id(0);
    float sum = 0.0f;

    if (plane >= planes)
        return;
    for (uint i = 0; i < inner; i++)
        sum = sum + x[(ulong)plane * inner + i];
    y[plane] = sum / (float)inner;
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
global_average_gradient(PLACE(dy), PLACE(dx), uint inner, uint count)
{
    OPEN(dy);
    OPEN(dx);
    const uint i = get_global_id(0);

    if (i < count)
        dx[i] = dy[i / inner] / (float)inner;
}
