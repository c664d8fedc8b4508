/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lowering of pools. Over three spatial axes a maximum or a mean is that over height and width, and then that of
 * these over depth.
 */
#include "guest/model/lower_window.h"

#include <string.h>

static uint32_t emit(struct compose *c, enum graph_op op, const struct graph_window *form, uint32_t x,
                     const uint64_t *dims)
{
    struct graph_attributes attributes = {.window = *form};
    uint32_t value = GRAPH_NONE;

    if (c->code == 0)
        compose_check(c, lower_emit(c->lower, op, &x, 1, &attributes, 4, dims, &value));
    return c->code < 0 ? GRAPH_NONE : value;
}

/* Over height and width, then over depth where there is one. */
static uint32_t pool(struct compose *c, enum graph_op op, struct window *window, uint32_t x)
{
    const struct window_span *depth = &window->span[WINDOW_DEPTH], *height = depth + 1, *width = depth + 2;
    uint64_t planes = window->channels * depth->in, area = height->out * width->out;
    struct graph_window form = window_form(window);

    x = compose_reshape(c, x, 4, (uint64_t[]){window->batch, planes, height->in, width->in});
    x = emit(c, op, &form, x, (uint64_t[]){window->batch, planes, height->out, width->out});
    if (window->axes == 3) {
        form = (struct graph_window){.kernel = {depth->kernel, 1},
                                     .stride = {depth->stride, 1},
                                     .dilation = {depth->dilation, 1},
                                     .pad_begin = {depth->pad_begin, 0},
                                     .pad_end = {depth->pad_end, 0},
                                     .groups = 1,
                                     .count_include_pad = window->count_include_pad};
        x = compose_reshape(c, x, 4, (uint64_t[]){window->batch, window->channels, depth->in, area});
        x = emit(c, op, &form, x, (uint64_t[]){window->batch, window->channels, depth->out, area});
    }
    return window_give(c, window, x, window->channels);
}

static uint32_t take(struct compose *c, struct window *window, uint32_t x)
{
    uint32_t three[3] = {1, 1, 0};
    int64_t ceil_mode = 0;

    x = window_take(c, window, x);
    window_list(c, window, "kernel_shape", 1, three);
    if (c->code == 0)
        compose_check(c, lower_attribute_int(c->lower, "ceil_mode", 0, &ceil_mode));
    if (c->code == 0 && three[2] == 0)
        compose_check(c, lower_bad(c->lower, "attribute kernel_shape is missing"));
    if (c->code < 0)
        return GRAPH_NONE;
    for (uint32_t i = 0; i < 3; i++)
        window->span[i].kernel = three[i];
    window->ceil = ceil_mode != 0;
    window_measure(c, window);
    for (uint32_t i = 0; c->code == 0 && i < 3; i++)
        if (window->span[i].pad_begin >= window_extent(&window->span[i]) ||
            window->span[i].pad_end >= window_extent(&window->span[i]))
            compose_check(c, lower_unsupported(c->lower, "padding as large as its window"));
    return x;
}

int lower_max_pool(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct window window = {0};
    uint32_t x = compose_input(&c, 0);
    struct lower_value record = compose_record(&c, x);

    (void)lower_attribute(lower, "storage_order"); /* concerns the indices, which are refused where used */
    if (record.type != ONNX_FLOAT)
        x = compose_cast(&c, x, ONNX_FLOAT);
    x = take(&c, &window, x);
    x = pool(&c, GRAPH_MAX_POOL, &window, x);
    if (record.type != ONNX_FLOAT)
        x = compose_retype(&c, x, record.type, lower_type_bound(record.type));
    return compose_end(&c, x);
}

int lower_average_pool(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct window window = {0};
    uint32_t x = compose_floats(&c, 0);
    int64_t include = 0;

    if (c.code == 0 && lower->model->opset >= 7)
        compose_check(&c, lower_attribute_int(lower, "count_include_pad", 0, &include));
    if (c.code == 0 && lower_attribute(lower, "dilations") != NULL)
        return lower_bad(lower, "dilations came with operator set 19");
    window.count_include_pad = include != 0;
    x = take(&c, &window, x);
    return compose_end(&c, pool(&c, GRAPH_AVERAGE_POOL, &window, x));
}

/* The p-th root of the sum of p-th powers: a mean, padding counted, times the window's size. */
int lower_lp_pool(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct window window = {.count_include_pad = true};
    uint32_t x = compose_floats(&c, 0);
    float size = 1;
    int64_t p = 2;

    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "p", 2, &p));
    if (c.code == 0 && (p < 1 || p > 1024))
        return lower_bad(lower, "attribute p is %lld", (long long)p);
    x = compose_function(&c, FUNCTION_ABS, x);
    x = p == 2 ? compose_mul(&c, x, x) : compose_function2(&c, FUNCTION2_POW, x, compose_number(&c, (float)p));
    x = pool(&c, GRAPH_AVERAGE_POOL, &window, take(&c, &window, x));
    for (uint32_t i = 0; i < 3; i++)
        size *= (float)window.span[i].kernel;
    x = compose_mul(&c, x, compose_number(&c, size));
    if (p == 2)
        return compose_end(&c, compose_function(&c, FUNCTION_SQRT, x));
    return compose_end(&c, compose_function2(&c, FUNCTION2_POW, x, compose_number(&c, 1.0f / (float)p)));
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
