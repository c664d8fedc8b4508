/* SPDX-License-Identifier: Apache-2.0 */
/* neural-cleanse's mask and pattern. */
#include "guest/checks/neural_cleanse_mask.h"

#include "guest/checks/real.h"

#include <errno.h>
#include <string.h>

#define ADAM_BETA1 0.5
#define ADAM_BETA2 0.9

/* Which element of the mask lies over each element of an input. */
static void set_cells(struct cleanse_mask *mask)
{
    const struct kept_shape *shape = &mask->shape;

    for (uint32_t c = 0; c < shape->channels; c++)
        for (uint32_t i = 0; i < shape->height; i++)
            for (uint32_t j = 0; j < shape->width; j++)
                mask->cells[c * shape->channel_step + i * shape->row_step + j * shape->col_step] = i * shape->width + j;
}

int cleanse_mask_open(struct cleanse_mask *mask, const struct kept_shape *shape, double low, double high, double rate)
{
    size_t area = (size_t)shape->height * shape->width, size = area * shape->channels, count = area + size;
    double *memory = calloc(3 * count, sizeof *memory);
    uint32_t *cells = calloc(size, sizeof *cells);

    *mask = (struct cleanse_mask){.shape = *shape,
                                  .low = low,
                                  .high = high,
                                  .area = area,
                                  .size = size,
                                  .weights = memory,
                                  .values = memory + count,
                                  .gradient = memory + 2 * count,
                                  .cells = cells};
    if (memory == NULL || cells == NULL || adam_open(&mask->adam, count, rate, ADAM_BETA1, ADAM_BETA2) < 0) {
        cleanse_mask_close(mask);
        return -ENOMEM;
    }
    set_cells(mask);
    cleanse_mask_reset(mask);
    return 0;
}

void cleanse_mask_close(struct cleanse_mask *mask)
{
    free(TAKE_POINTER(mask->weights));
    free(TAKE_POINTER(mask->cells));
    adam_close(&mask->adam);
}

static void set_values(struct cleanse_mask *mask)
{
    for (size_t i = 0; i < mask->area; i++)
        mask->values[i] = (real_tanh(mask->weights[i]) + 1.0) / 2.0;
    for (size_t i = mask->area; i < mask->area + mask->size; i++)
        mask->values[i] = mask->low + (mask->high - mask->low) * ((real_tanh(mask->weights[i]) + 1.0) / 2.0);
}

void cleanse_mask_reset(struct cleanse_mask *mask)
{
    memset(mask->weights, 0, (mask->area + mask->size) * sizeof *mask->weights);
    memset(mask->gradient, 0, (mask->area + mask->size) * sizeof *mask->gradient);
    adam_reset(&mask->adam);
    set_values(mask);
}

double cleanse_mask_norm(const struct cleanse_mask *mask)
{
    double sum = 0.0;

    for (size_t i = 0; i < mask->area; i++)
        sum += mask->values[i];
    return sum;
}

void cleanse_mask_apply(const struct cleanse_mask *mask, const double *values, const float *x, float *ret_x)
{
    const double *pattern = values + mask->area;

    for (size_t i = 0; i < mask->size; i++) {
        double m = values[mask->cells[i]];

        ret_x[i] = (float)((double)x[i] * (1.0 - m) + pattern[i] * m);
    }
}

void cleanse_mask_add(struct cleanse_mask *mask, const float *x, const float *gradient)
{
    const double *pattern = mask->values + mask->area;

    for (size_t i = 0; i < mask->size; i++) {
        double g = (double)gradient[i];

        mask->gradient[mask->cells[i]] += g * (pattern[i] - (double)x[i]);
        mask->gradient[mask->area + i] += g * mask->values[mask->cells[i]];
    }
}

/* By the chain rule, d tanh(w)/dw = 1 − tanh(w)², tanh(w) = 2·mask − 1. */
void cleanse_mask_step(struct cleanse_mask *mask, uint32_t count, double cost)
{
    double range = mask->high - mask->low;

    for (size_t i = 0; i < mask->area; i++) {
        double t = 2.0 * mask->values[i] - 1.0;

        mask->gradient[i] = (mask->gradient[i] / (double)count + cost) * ((1.0 - t * t) / 2.0);
    }
    for (size_t i = mask->area; i < mask->area + mask->size; i++) {
        double t = 2.0 * (mask->values[i] - mask->low) / range - 1.0;

        mask->gradient[i] = mask->gradient[i] / (double)count * (range * (1.0 - t * t) / 2.0);
    }
    adam_step(&mask->adam, mask->gradient, mask->weights);
    memset(mask->gradient, 0, (mask->area + mask->size) * sizeof *mask->gradient);
    set_values(mask);
}

void cleanse_mask_box(const struct cleanse_mask *mask, const double *values, struct cleanse_box *ret_box)
{
    uint32_t top = mask->shape.height, left = mask->shape.width, bottom = 0, right = 0;
    double largest = 0.0;

    for (size_t i = 0; i < mask->area; i++)
        largest = values[i] > largest ? values[i] : largest;
    for (uint32_t i = 0; i < mask->shape.height; i++)
        for (uint32_t j = 0; j < mask->shape.width; j++) {
            if (values[(size_t)i * mask->shape.width + j] < largest / 2.0)
                continue;
            top = i < top ? i : top;
            left = j < left ? j : left;
            bottom = i > bottom ? i : bottom;
            right = j > right ? j : right;
        }
    *ret_box = (struct cleanse_box){
        .row = top, .col = left, .height = bottom - top + 1, .width = right - left + 1, .largest = largest};
}
