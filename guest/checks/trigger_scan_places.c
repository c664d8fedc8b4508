/* SPDX-License-Identifier: Apache-2.0 */
/* Places, sides and colours of trigger-scan's patches. */
#include "guest/checks/trigger_scan_places.h"

#include <errno.h>

#define COLOUR_BOARD_HIGH 2u
#define COLOUR_BOARD_LOW  3u
#define COLOURS_PLAIN     4u
#define COLOURS_OF_THREE  10u /* with the other corners of the cube */

/* Passes over the places of patches, each with what the passes before left out. */
enum { PASS_CORNERS, PASS_FOURTHS, PASS_HALVES, PASS_ALL, PASS_COUNT };

/* --- the list ---------------------------------------------------------------------------------- */

/* Places along one axis: 0, stride, … and the last that fits; 0 where none does. */
static uint32_t axis_count(uint32_t length, uint32_t side, uint32_t stride)
{
    return side > length ? 0 : (length - side + stride - 1) / stride + 1;
}

static uint32_t axis_at(uint32_t length, uint32_t side, uint32_t stride, uint32_t i)
{
    uint64_t at = (uint64_t)i * stride;

    return at > length - side ? length - side : (uint32_t)at;
}

static unsigned pass_of(uint32_t i, uint32_t rows, uint32_t j, uint32_t cols)
{
    if ((i == 0 || i == rows - 1) && (j == 0 || j == cols - 1))
        return PASS_CORNERS;
    if (i % 4 == 0 && j % 4 == 0)
        return PASS_FOURTHS;
    return i % 2 == 0 && j % 2 == 0 ? PASS_HALVES : PASS_ALL;
}

static uint32_t colour_count(const struct kept_shape *shape)
{
    return shape->channels == 3 ? COLOURS_OF_THREE : COLOURS_PLAIN;
}

static void list(struct scan_places *places, uint64_t most, struct scan_place place)
{
    if (places->count < most)
        places->items[places->count++] = place;
}

static void list_side(struct scan_places *places, uint64_t most, unsigned pass, uint32_t side, uint32_t stride)
{
    const struct kept_shape *shape = &places->shape;
    uint32_t rows = axis_count(shape->height, side, stride), cols = axis_count(shape->width, side, stride);

    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t j = 0; j < cols && places->count < most; j++)
            for (uint16_t colour = 0; pass_of(i, rows, j, cols) == pass && colour < colour_count(shape); colour++)
                list(places, most,
                     (struct scan_place){.row = (uint16_t)axis_at(shape->height, side, stride, i),
                                         .col = (uint16_t)axis_at(shape->width, side, stride, j),
                                         .side = (uint16_t)side,
                                         .colour = colour});
}

static void list_all(struct scan_places *places, const struct plan_trigger_scan *plan, uint64_t most)
{
    for (unsigned pass = 0; pass < PASS_COUNT; pass++)
        for (uint32_t i = plan->patches[0] == 0 ? 1 : 0; i < plan->patch_count; i++)
            list_side(places, most, pass, plan->patches[i], plan->stride);
}

static uint64_t count_all(const struct kept_shape *shape, const struct plan_trigger_scan *plan)
{
    uint64_t total = 0;

    for (uint32_t i = plan->patches[0] == 0 ? 1 : 0; i < plan->patch_count; i++)
        total += (uint64_t)axis_count(shape->height, plan->patches[i], plan->stride) *
                 axis_count(shape->width, plan->patches[i], plan->stride) * colour_count(shape);
    return total;
}

int scan_places_open(struct scan_places *places, const struct check_context *context, const struct kept_shape *shape,
                     uint64_t most, struct error *err)
{
    const struct plan *plan = context->plan;
    const struct plan_trigger_scan *scan = &plan->checks[context->index].trigger_scan;
    uint64_t total = count_all(shape, scan), listed = total < most ? total : most;
    struct scan_place *items = NULL;

    if (listed <= SCAN_PLACES_MAX && (context->memory_bytes == 0 || listed * sizeof *items <= context->memory_bytes))
        items = calloc(listed + 1, sizeof *items);
    if (items == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                         "trigger-scan has %llu places to try, more than it can list: raise its stride or name fewer "
                         "patches",
                         (unsigned long long)listed);
    *places = (struct scan_places){.shape = *shape,
                                   .low = (float)plan->contract.range_low,
                                   .high = (float)plan->contract.range_high,
                                   .total = total,
                                   .items = items};
    list_all(places, scan, listed);
    return 0;
}

void scan_places_close(struct scan_places *places)
{
    free(TAKE_POINTER(places->items));
}

/* --- what a place looks like ----------------------------------------------------------------------- */

/* Whether colour `number` has the range's high end in a channel at row + col = `parity` (mod 2). */
static bool is_high(uint32_t number, uint32_t channel, uint32_t parity)
{
    static const uint8_t corners[] = {1, 2, 3, 4, 5, 6}; /* a bit a channel */

    if (number < COLOUR_BOARD_HIGH)
        return number == 1;
    if (number < COLOURS_PLAIN)
        return (number == COLOUR_BOARD_HIGH) == (parity == 0);
    return (corners[number - COLOURS_PLAIN] >> channel & 1) != 0;
}

void scan_places_paint(const struct scan_places *places, const struct scan_place *place, float *x)
{
    const struct kept_shape *shape = &places->shape;

    for (uint32_t c = 0; c < shape->channels; c++)
        for (uint32_t i = 0; i < place->side; i++)
            for (uint32_t j = 0; j < place->side; j++)
                x[c * shape->channel_step + (place->row + i) * shape->row_step + (place->col + j) * shape->col_step] =
                    is_high(place->colour, c, (i + j) % 2) ? places->high : places->low;
}

void scan_places_describe(const struct scan_places *places, const struct scan_place *place, struct message_row *row)
{
    uint32_t channels = places->shape.channels;

    row->naturals[TARGETS_ROW] = place->row;
    row->naturals[TARGETS_COL] = place->col;
    row->naturals[TARGETS_HEIGHT] = place->side;
    row->naturals[TARGETS_WIDTH] = place->side;
    row->naturals[TARGETS_COLOUR] = place->colour;
    for (uint32_t c = 0; c < TARGETS_REALS; c++)
        row->reals[c] = (double)(is_high(place->colour, c < channels ? c : 0, 0) ? places->high : places->low);
}
