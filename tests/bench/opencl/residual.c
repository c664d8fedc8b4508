/* SPDX-License-Identifier: Apache-2.0 */
/* Residual networks as exporters write them: batch normalisations folded into the weights before. */
#include "residual.h"

struct making {
    struct builder *b;
    uint64_t batch;
    double products;
};

static uint64_t side(const struct making *m, uint32_t x)
{
    return m->b->values[x].dims[2];
}

static uint32_t conv(struct making *m, uint32_t x, uint64_t out, uint32_t kernel, uint32_t stride)
{
    uint64_t in = m->b->values[x].dims[1], size = (side(m, x) + stride - 1) / stride;
    float most = 1.5f / (float)(in * kernel * kernel > 256 ? 64 : 8);
    uint32_t w = builder_constant(m->b, -most, most, DIMS(out, in, kernel, kernel));
    uint32_t bias = builder_constant(m->b, -0.5f, 0.5f, DIMS(out));
    uint32_t y = builder_node(m->b, GRAPH_CONV, INPUTS(x, w, bias), DIMS(m->batch, out, size, size));
    struct graph_window *window = &builder_last(m->b)->window;

    *window = builder_window(kernel, kernel);
    window->stride[0] = window->stride[1] = stride;
    for (unsigned axis = 0; axis < 2; axis++)
        window->pad_begin[axis] = window->pad_end[axis] = kernel / 2;
    m->products += (double)(out * in * kernel * kernel) * (double)(size * size);
    return y;
}

static uint32_t relu(struct making *m, uint32_t x)
{
    return builder_node(m->b, GRAPH_RELU, INPUTS(x), m->b->values[x].rank, m->b->values[x].dims);
}

static uint32_t join(struct making *m, uint32_t y, uint32_t x, uint64_t out, uint32_t stride)
{
    uint32_t shortcut = x;

    if (m->b->values[x].dims[1] != out || stride != 1)
        shortcut = conv(m, x, out, 1, stride);
    return relu(m, builder_node(m->b, GRAPH_ADD, INPUTS(y, shortcut), m->b->values[y].rank, m->b->values[y].dims));
}

static void finish(struct making *m, uint32_t x, uint64_t classes)
{
    uint64_t channels = m->b->values[x].dims[1];
    uint32_t w, bias;

    x = builder_node(m->b, GRAPH_GLOBAL_AVERAGE_POOL, INPUTS(x), DIMS(m->batch, channels, 1, 1));
    x = builder_node(m->b, GRAPH_RESHAPE, INPUTS(x), DIMS(m->batch, channels));
    w = builder_constant(m->b, -0.05f, 0.05f, DIMS(classes, channels));
    bias = builder_constant(m->b, -0.5f, 0.5f, DIMS(classes));
    builder_node(m->b, GRAPH_GEMM, INPUTS(x, w, bias), DIMS(m->batch, classes));
    builder_last(m->b)->alpha = builder_last(m->b)->beta = 1;
    builder_last(m->b)->transposed_b = true;
    m->products += (double)(classes * channels);
}

void residual_18(struct builder *b, uint32_t batch, double *ret_products)
{
    static const struct {
        uint64_t out;
        uint32_t stride;
    } blocks[] = {{64, 1}, {64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}, {512, 2}, {512, 1}};
    struct making m = {.b = b, .batch = batch};
    uint32_t x;

    builder_init(b, batch, 18);
    x = relu(&m, conv(&m, builder_input(b, DIMS(batch, 3, 32, 32)), 64, 3, 1));
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        uint32_t y = relu(&m, conv(&m, x, blocks[i].out, 3, blocks[i].stride));

        x = join(&m, conv(&m, y, blocks[i].out, 3, 1), x, blocks[i].out, blocks[i].stride);
    }
    finish(&m, x, 10);
    *ret_products = m.products;
}

void residual_50(struct builder *b, uint32_t batch, uint32_t size, double *ret_products)
{
    static const struct {
        uint64_t middle;
        uint32_t count, stride;
    } stages[] = {{64, 3, 1}, {128, 4, 2}, {256, 6, 2}, {512, 3, 2}};
    struct making m = {.b = b, .batch = batch};
    struct graph_window *window;
    uint32_t x;

    builder_init(b, batch, 50);
    x = relu(&m, conv(&m, builder_input(b, DIMS(batch, 3, size, size)), 64, 7, 2));
    x = builder_node(b, GRAPH_MAX_POOL, INPUTS(x), DIMS(batch, 64, (side(&m, x) + 1) / 2, (side(&m, x) + 1) / 2));
    window = &builder_last(b)->window;
    *window = builder_window(3, 3);
    for (unsigned axis = 0; axis < 2; axis++) {
        window->stride[axis] = 2;
        window->pad_begin[axis] = window->pad_end[axis] = 1;
    }
    for (size_t s = 0; s < sizeof(stages) / sizeof(stages[0]); s++)
        for (uint32_t i = 0; i < stages[s].count; i++) {
            uint32_t stride = i == 0 ? stages[s].stride : 1;
            uint32_t y = relu(&m, conv(&m, x, stages[s].middle, 1, 1));

            y = relu(&m, conv(&m, y, stages[s].middle, 3, stride));
            x = join(&m, conv(&m, y, 4 * stages[s].middle, 1, 1), x, 4 * stages[s].middle, stride);
        }
    finish(&m, x, 1000);
    *ret_products = m.products;
}
