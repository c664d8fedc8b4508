/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of the square attack. */
#include "guest/checks/square_window.h"

#include <math.h>

#define SHARE_START       0.8
#define SHARE_QUERIES     10000u
#define CHANNELS_LAST_MAX 4u
#define TILES             5u /* along each side at the start */
#define SMALLEST_SHAPED   3u

struct square_layout square_layout_of(const struct plan_contract *contract)
{
    const uint64_t *d = contract->dims;
    size_t elements = (size_t)plan_sample_elements(contract);

    if (contract->rank == 3 && d[2] <= CHANNELS_LAST_MAX && d[0] > CHANNELS_LAST_MAX)
        return (struct square_layout){.image = true,
                                      .height = (size_t)d[0],
                                      .width = (size_t)d[1],
                                      .channels = (size_t)d[2],
                                      .position_stride = (size_t)d[2],
                                      .channel_stride = 1};
    if (contract->rank == 3 && d[1] > 1 && d[2] > 1)
        return (struct square_layout){.image = true,
                                      .height = (size_t)d[1],
                                      .width = (size_t)d[2],
                                      .channels = (size_t)d[0],
                                      .position_stride = 1,
                                      .channel_stride = (size_t)(d[1] * d[2])};
    if (contract->rank == 2 && d[0] > 1 && d[1] > 1)
        return (struct square_layout){.image = true,
                                      .height = (size_t)d[0],
                                      .width = (size_t)d[1],
                                      .channels = 1,
                                      .position_stride = 1,
                                      .channel_stride = 0};
    return (struct square_layout){.height = 1, .width = elements, .channels = 1, .position_stride = 1};
}

size_t square_positions(const struct square_layout *layout)
{
    return layout->height * layout->width;
}

double square_share(uint64_t query, uint64_t queries)
{
    static const uint32_t halvings[] = {10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000};
    uint64_t scaled = queries == 0 ? 0 : query * SHARE_QUERIES / queries;
    double share = SHARE_START;

    for (size_t i = 0; i < sizeof halvings / sizeof halvings[0] && scaled > halvings[i]; i++)
        share *= 0.5;
    return share;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

/*
 * The paper's bump over a height × width rectangle: Σ 1/(k + 1)² over the squares around its middle that a place
 * lies in, the k-th being of side 2k + 1.
 */
static double bump(size_t row, size_t col, size_t height, size_t width)
{
    size_t away_row = distance(row, height / 2), away_col = distance(col, width / 2);
    size_t from = away_row > away_col ? away_row : away_col, end = (height > width ? height : width) / 2 + 1;
    double sum = 0.0;

    for (size_t k = from; k < end; k++)
        sum += 1.0 / ((double)(k + 1) * (double)(k + 1));
    return sum;
}

/* Half a square up and the other half down, along rows or columns. */
static double two_bumps(size_t row, size_t col, size_t side, bool along_columns)
{
    size_t a = along_columns ? col : row, b = along_columns ? row : col, half = side / 2;

    return a < half ? bump(a, b, half, side) : -bump(a - half, b, side - half, side);
}

static void fill_square(const struct square_layout *layout, struct random_stream *stream, size_t top, size_t left,
                        size_t side, bool shaped, struct square_window *window)
{
    bool along_columns = shaped && random_u64(stream) >> 63 != 0;

    window->count = 0;
    for (size_t row = 0; row < side; row++)
        for (size_t col = 0; col < side; col++) {
            window->positions[window->count] = (uint32_t)((top + row) * layout->width + left + col);
            if (shaped)
                window->shape[window->count] = side == 1 ? 1.0f : (float)two_bumps(row, col, side, along_columns);
            window->count++;
        }
}

static float random_sign(struct random_stream *stream)
{
    return random_u64(stream) >> 63 != 0 ? 1.0f : -1.0f;
}

/* `count` positions without repetition, ascending (Fan, Muller, Rezucha 1962), each with a sign of its own. */
static void fill_subset(const struct square_layout *layout, struct random_stream *stream, size_t count,
                        struct square_window *window)
{
    size_t total = square_positions(layout);

    window->count = 0;
    for (size_t i = 0; i < total && window->count < count; i++)
        if (random_below(stream, total - i) < count - window->count) {
            window->positions[window->count] = (uint32_t)i;
            window->shape[window->count++] = random_sign(stream);
        }
}

void square_draw(const struct square_layout *layout, struct random_stream *stream, double share, bool shaped,
                 struct square_window *window)
{
    size_t most = smaller(layout->height, layout->width), side;
    double wanted = share * (double)square_positions(layout);

    if (!layout->image) {
        fill_subset(layout, stream, wanted < 1.0 ? 1 : (size_t)(wanted + 0.5), window);
        return;
    }
    side = (size_t)(sqrt(wanted) + 0.5);
    if (shaped) {
        side = side < SMALLEST_SHAPED ? SMALLEST_SHAPED : side;
        side += side % 2 == 0;
    }
    side = smaller(side < 1 ? 1 : side, most > 1 ? most - 1 : 1);
    fill_square(layout, stream, random_below(stream, layout->height - side + 1),
                random_below(stream, layout->width - side + 1), side, shaped, window);
}

bool square_tile(const struct square_layout *layout, struct random_stream *stream, size_t n,
                 struct square_window *window)
{
    size_t side = smaller(layout->height, layout->width) / TILES, columns;

    if (!layout->image) {
        if (n == 0)
            fill_subset(layout, stream, square_positions(layout), window);
        return n == 0;
    }
    side = side < 1 ? 1 : side;
    columns = layout->width / side;
    if (n >= columns * (layout->height / side))
        return false;
    fill_square(layout, stream, n / columns * side, n % columns * side, side, true, window);
    return true;
}
