/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions' weights, packed once a network in the order in which they are read. */
#include "conv_pack.h"
#include "winograd.h"

#include <string.h>

/* For whichever instruction set needs most; 0 where the shape is refused. */
static size_t packed_size(const struct kernel_conv *conv, size_t in, size_t out)
{
    size_t terms = in / conv->groups * conv->kernel_height * conv->kernel_width, most = 0;

    for (unsigned lanes = 4; lanes <= LANES_WIDEST; lanes *= 2) {
        size_t size = conv_packed_group_size(lanes, out / conv->groups, terms);

        most = size > most ? size : most;
    }
    return most * conv->groups;
}

static size_t packed_winograd_size(const struct winograd_pass *pass)
{
    size_t most = 0;

    for (unsigned lanes = 4; lanes <= LANES_WIDEST; lanes *= 2) {
        size_t size = winograd_packed_size(pass, lanes);

        most = size > most ? size : most;
    }
    return most;
}

size_t kernel_conv_packed_size(const struct kernel_conv *conv)
{
    struct winograd_pass pass;

    if (window_check_conv(conv) < 0)
        return 0;
    if (winograd_set_forward(conv, &pass))
        return packed_winograd_size(&pass);
    return packed_size(conv, conv->in_channels, conv->out_channels);
}

size_t kernel_conv_packed_backward_size(const struct kernel_conv *conv)
{
    struct winograd_pass pass;

    if (window_check_conv(conv) < 0)
        return 0;
    if (winograd_set_backward(conv, &pass))
        return packed_winograd_size(&pass);
    return packed_size(conv, conv->out_channels, conv->in_channels);
}

/* Weights of one output of a window: `channel_step` apart from one channel read to the next. */
static void pack_output(const struct kernel_conv *conv, const struct window *window, const float *weights,
                        size_t channel_step, struct sweep_slot slot, float *ret_packed)
{
    size_t at = slot.first;

    for (size_t channel = 0; channel < window->group_channels; channel++)
        for (size_t r = 0; r < window->row.taps; r++) {
            size_t row = window->row.tap_first + r * window->row.tap_step;
            const float *line = weights + channel * channel_step + row * conv->kernel_width;

            for (size_t c = 0; c < window->column.taps; c++, at += slot.step)
                ret_packed[at] = line[window->column.tap_first + c * window->column.tap_step];
        }
}

/* All groups of a window; returns the floats written. */
static size_t pack_window(const struct kernels *kernels, const struct kernel_conv *conv, const struct window *window,
                          const float *weights, bool backward, float *ret_packed)
{
    unsigned lanes = kernels->product->lanes;
    size_t in = conv->in_channels / conv->groups, out = conv->out_channels / conv->groups;
    size_t kernel = conv->kernel_height * conv->kernel_width, outputs = backward ? in : out;
    size_t group_size = conv_packed_group_size(lanes, outputs, window->terms);

    memset(ret_packed, 0, conv->groups * group_size * sizeof(*ret_packed)); /* the lanes left over */
    for (size_t group = 0; group < conv->groups; group++)
        for (size_t output = 0; output < outputs; output++) {
            const float *first = weights + group * out * in * kernel + output * kernel * (backward ? 1 : in);
            struct sweep_slot slot = {.first = output, .step = outputs};

            if (!conv_is_narrow(lanes, outputs))
                slot = sweep_slot_of(lanes, outputs, window->terms, output);
            pack_output(conv, window, first, backward ? in * kernel : kernel, slot, ret_packed + group * group_size);
        }
    return conv->groups * group_size;
}

void kernel_conv_pack(const struct kernels *kernels, const struct kernel_conv *conv, const float *weights,
                      float *ret_packed)
{
    struct winograd_pass pass;
    struct window window;

    if (window_check_conv(conv) < 0)
        return;
    if (winograd_set_forward(conv, &pass)) {
        winograd_pack(kernels, &pass, weights, false, ret_packed);
        return;
    }
    window_set_forward(conv, &window);
    (void)pack_window(kernels, conv, &window, weights, false, ret_packed);
}

void kernel_conv_pack_backward(const struct kernels *kernels, const struct kernel_conv *conv, const float *weights,
                               float *ret_packed)
{
    struct winograd_pass pass;
    struct window window;

    if (window_check_conv(conv) < 0)
        return;
    if (winograd_set_backward(conv, &pass)) {
        winograd_pack(kernels, &pass, weights, true, ret_packed);
        return;
    }
    for (size_t row = 0; row < window_row_phases(conv); row++)
        for (size_t column = 0; column < window_column_phases(conv); column++) {
            window_set_backward(conv, row, column, &window);
            ret_packed += pack_window(kernels, conv, &window, weights, true, ret_packed);
        }
}
