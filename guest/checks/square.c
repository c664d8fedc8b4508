/* SPDX-License-Identifier: Apache-2.0 */
/*
 * square: the Square Attack (Andriushchenko et al. 2020, arXiv:1912.00049), a random search on logits alone, for
 * models with and without gradients.
 *
 * For norm inf every element lies eps from its clean value; it starts with vertical stripes, and a query sets one
 * square, channel by channel, to one side or the other. For a finite norm p (the paper has 2; its budgets are sums
 * of |δ|^p here) it starts with a grid of bumps; a query takes the perturbation out of one square and puts its
 * p-norm, and what the ball has left, as a bump into another. A query is kept where it makes the margin smaller:
 * the label's logit less the largest other, or the largest other less the target's. `iterations` queries a start,
 * the first counted; a restart begins anew with other numbers.
 */
#include "guest/checks/attack_pool.h"
#include "guest/checks/norm.h"
#include "guest/checks/square_window.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define REDRAWS 8u /* of a query that would change nothing */

/* What a slot holds besides its arrays. */
struct search {
    struct random_stream stream;
    float margin; /* of the best; the smaller, the nearer to success */
};

struct square {
    struct attack attack;
    struct attack_pool pool;
    struct square_layout layout;
    struct search *searches; /* slots */
    float *best, *trial;     /* slots × size */
    float *x;                /* slots × size: what the network sees of the trial; the trial itself where no element
                                is discrete */
    float *margins;          /* slots: of the trials */
    int32_t *predictions;    /* slots */
    float *delta;            /* size */
    float *change;           /* positions: of one channel */
    struct square_window in, out;
};

static void square_free(void *state)
{
    struct square *square = state;

    if (square == NULL)
        return;
    attack_close(&square->attack);
    attack_pool_close(&square->pool);
    if (square->x != square->trial)
        free(square->x);
    free(square->searches);
    free(square->best);
    free(square->trial);
    free(square->margins);
    free(square->predictions);
    free(square->delta);
    free(square->change);
    free(square->in.positions);
    free(square->in.shape);
    free(square->out.positions);
    free(square->out.shape);
    free(square);
}

static bool allocate_window(struct square_window *window, size_t positions)
{
    window->positions = calloc(positions, sizeof *window->positions);
    window->shape = calloc(positions, sizeof *window->shape);
    return window->positions != NULL && window->shape != NULL;
}

static int allocate(struct square *square, struct error *err)
{
    size_t slots = square->attack.predictor.slice, size = square->attack.size;
    size_t positions = square_positions(&square->layout);
    bool features = square->attack.context->plan->sets[PLAN_SET_FEATURES].present;

    square->searches = calloc(slots, sizeof *square->searches);
    square->best = calloc(slots * size, sizeof *square->best);
    square->trial = calloc(slots * size, sizeof *square->trial);
    square->x = features ? calloc(slots * size, sizeof *square->x) : square->trial;
    square->margins = calloc(slots, sizeof *square->margins);
    square->predictions = calloc(slots, sizeof *square->predictions);
    square->delta = calloc(size, sizeof *square->delta);
    square->change = calloc(positions, sizeof *square->change);
    if (square->searches == NULL || square->best == NULL || square->trial == NULL || square->x == NULL ||
        square->margins == NULL || square->predictions == NULL || square->delta == NULL || square->change == NULL ||
        !allocate_window(&square->in, positions) || !allocate_window(&square->out, positions))
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for square on %zu inputs of %zu elements", slots,
                         size);
    return attack_pool_open(&square->pool, &square->attack, err);
}

static int square_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    struct square *square = calloc(1, sizeof *square);
    int r;

    if (square == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for square");
    square->layout = square_layout_of(&context->plan->contract);
    r = attack_open(&square->attack, context, err);
    if (r == 0)
        r = allocate(square, err);
    if (r < 0) {
        square_free(square);
        return r;
    }
    *ret_state = square;
    return 0;
}

/* --- one query ---------------------------------------------------------------------------------------- */

/* What the query of one slot is made from. */
struct query {
    const struct attack_point *point;
    const float *clean, *mask; /* mask: NULL where there is none */
    struct search *search;
    float *trial;
};

static struct query query_of(struct square *square, const struct attack_point *point, const struct attack_slot *slot,
                             uint32_t k)
{
    return (struct query){
        .point = point,
        .clean = point->window->x + slot->sample * square->attack.size,
        .mask = features_of(&square->attack.features, PLAN_FEATURE_MASK),
        .search = &square->searches[k],
        .trial = square->trial + k * square->attack.size,
    };
}

static size_t element_of(const struct square_layout *layout, size_t position, size_t channel)
{
    return position * layout->position_stride + channel * layout->channel_stride;
}

static float random_sign(struct random_stream *stream)
{
    return random_u64(stream) >> 63 != 0 ? 1.0f : -1.0f;
}

/* Sets an element of the trial; true where that changes it. A clean value beyond the range widens it. */
static bool set_element(const struct query *query, size_t i, float value)
{
    const struct fgsm_step *step = &query->point->step;
    float low = step->low == NULL ? step->range_low : step->low[i];
    float high = step->low == NULL ? step->range_high : step->high[i];
    float old = query->trial[i], clean = query->clean[i];

    low = low < clean ? low : clean;
    high = high > clean ? high : clean;
    if (query->mask != NULL && query->mask[i] == 0.0f)
        value = clean;
    value = value < low ? low : value;
    query->trial[i] = value > high ? high : value;
    return query->trial[i] != old;
}

/* Norm inf: an element goes to one side of its interval. */
static bool set_side(const struct query *query, size_t i, float sign)
{
    const struct fgsm_step *step = &query->point->step;
    double eps = step->scale == NULL ? step->eps : step->eps * (double)step->scale[i];

    return set_element(query, i, query->clean[i] + sign * (float)eps);
}

static void start_sides(const struct square *square, const struct query *query)
{
    const struct square_layout *layout = &square->layout;

    for (size_t c = 0; c < layout->channels; c++)
        for (size_t col = 0; col < layout->width; col++) {
            float sign = random_sign(&query->search->stream);

            for (size_t row = 0; row < layout->height; row++)
                (void)set_side(query, element_of(layout, row * layout->width + col, c), sign);
        }
}

static void change_sides(struct square *square, const struct query *query, double share)
{
    const struct square_layout *layout = &square->layout;
    struct square_window *window = &square->in;
    bool changed = false;

    for (unsigned n = 0; n < REDRAWS && !changed; n++) {
        square_draw(layout, &query->search->stream, share, false, window);
        for (size_t c = 0; c < layout->channels; c++) {
            float sign = random_sign(&query->search->stream);

            for (size_t j = 0; j < window->count; j++)
                changed |= set_side(query, element_of(layout, window->positions[j], c),
                                    layout->image ? sign : window->shape[j]);
        }
    }
}

/* --- finite norms ------------------------------------------------------------------------------------- */

/* Σ|δ|^p over one channel of a window, which is then emptied; the values are kept in `ret_values` unless NULL. */
static double take_out(struct square *square, double norm, const struct square_window *window, size_t channel,
                       float *ret_values)
{
    double sum = 0.0;

    for (size_t j = 0; j < window->count; j++) {
        float *delta = &square->delta[element_of(&square->layout, window->positions[j], channel)];

        sum += norm_power(fabs((double)*delta), norm);
        if (ret_values != NULL)
            ret_values[j] = *delta;
        *delta = 0.0f;
    }
    return sum;
}

/* Puts `budget` = Σ|δ|^p into one channel of a window: its shape, and a share of what was there before. */
static void put_in(struct square *square, const struct query *query, const struct square_window *window, size_t channel,
                   double before, double budget)
{
    double norm = query->point->step.norm, shape = 0.0, sum = 0.0, scale;
    double sign = square->layout.image ? (double)random_sign(&query->search->stream) : 1.0;
    double length = before > 0.0 ? norm_power(before, 1.0 / norm) : 0.0;

    for (size_t j = 0; j < window->count; j++)
        shape += norm_power(fabs((double)window->shape[j]), norm);
    shape = shape > 0.0 ? norm_power(shape, 1.0 / norm) : 1.0;
    for (size_t j = 0; j < window->count; j++) {
        size_t i = element_of(&square->layout, window->positions[j], channel);
        double old = length > 0.0 ? (double)square->change[j] / length : 0.0;
        double value = sign * (double)window->shape[j] / shape + old;

        value = query->mask != NULL && query->mask[i] == 0.0f ? 0.0 : value;
        square->delta[i] = (float)value;
        sum += norm_power(fabs(value), norm);
    }
    scale = sum > 0.0 ? norm_power(budget / sum, 1.0 / norm) : 0.0;
    for (size_t j = 0; j < window->count; j++) {
        float *delta = &square->delta[element_of(&square->layout, window->positions[j], channel)];

        *delta = (float)((double)*delta * scale);
    }
}

static double power_sum(const struct square *square, double norm)
{
    double sum = 0.0;

    for (size_t i = 0; i < square->attack.size; i++)
        if (square->delta[i] != 0.0f)
            sum += norm_power(fabs((double)square->delta[i]), norm);
    return sum;
}

/* The trial from δ, brought to the ball's surface. */
static void apply_delta(const struct square *square, const struct query *query)
{
    const struct fgsm_step *step = &query->point->step;
    double sum = power_sum(square, step->norm);
    double scale = sum > 0.0 ? step->eps / norm_power(sum, 1.0 / step->norm) : 0.0;

    for (size_t i = 0; i < square->attack.size; i++)
        (void)set_element(query, i, query->clean[i] + (float)((double)square->delta[i] * scale));
}

static void start_bumps(struct square *square, const struct query *query)
{
    memset(square->delta, 0, square->attack.size * sizeof *square->delta);
    for (size_t n = 0; square_tile(&square->layout, &query->search->stream, n, &square->in); n++)
        for (size_t c = 0; c < square->layout.channels; c++)
            put_in(square, query, &square->in, c, 0.0, 1.0);
    apply_delta(square, query);
}

static void move_bump(struct square *square, const struct query *query, double share)
{
    double norm = query->point->step.norm, spare;
    size_t channels = square->layout.channels;

    for (size_t i = 0; i < square->attack.size; i++)
        square->delta[i] = query->trial[i] - query->clean[i];
    spare = norm_power(query->point->step.eps, norm) - power_sum(square, norm);
    spare = spare > 0.0 ? spare / (double)channels : 0.0;
    square_draw(&square->layout, &query->search->stream, share, true, &square->in);
    square_draw(&square->layout, &query->search->stream, share, true, &square->out);
    for (size_t c = 0; c < channels; c++) {
        double before = take_out(square, norm, &square->in, c, square->change);
        double freed = take_out(square, norm, &square->out, c, NULL);

        put_in(square, query, &square->in, c, before, before + freed + spare);
    }
    apply_delta(square, query);
}

/* --- the pool's method ---------------------------------------------------------------------------------- */

/* What the network sees of the trial. */
static void show(struct square *square, const struct query *query, uint32_t k)
{
    size_t size = square->attack.size;

    if (square->x == square->trial)
        return;
    memcpy(square->x + k * size, query->trial, size * sizeof *square->x);
    features_settle(&square->attack.features, &query->point->step, query->clean, NULL, square->x + k * size);
}

static void begin_restart(struct square *square, const struct attack_point *point, const struct attack_slot *slot,
                          uint32_t k)
{
    struct query query = query_of(square, point, slot, k);

    query.search->stream = attack_stream(&square->attack, point->window->first + slot->sample, slot->restart);
    query.search->margin = INFINITY;
    memcpy(query.trial, query.clean, square->attack.size * sizeof *query.trial);
    if (point->step.norm == PLAN_NORM_INF)
        start_sides(square, &query);
    else
        start_bumps(square, &query);
    show(square, &query, k);
}

static void square_start(void *self, const struct attack_point *point, const struct attack_slot *slots, uint32_t k)
{
    begin_restart(self, point, &slots[k], k);
}

/* The logit of `class` less the largest other; a single logit is that of class 1 of 2. */
static float margin_of(const float *logits, size_t classes, int32_t class)
{
    float other = -INFINITY;

    if (classes == 1)
        return class == 1 ? logits[0] : -logits[0];
    for (size_t c = 0; c < classes; c++)
        if (c != (size_t) class && logits[c] > other)
            other = logits[c];
    return logits[class] - other;
}

static int square_evaluate(void *self, const struct attack_point *point, const struct attack_slot *slots, uint32_t live,
                           struct error *err)
{
    struct square *square = self;
    struct attack *attack = &square->attack;
    const struct predictor *predictor = &attack->predictor;
    int r = predictor_run(&attack->predictor, square->x, live, square->predictions, err);

    (void)point;
    attack->figures.images += live;
    for (uint32_t k = 0; r == 0 && k < live; k++) {
        float margin = margin_of(predictor->logits + k * predictor->classes, predictor->classes,
                                 attack_loss_class(attack, slots[k].sample));

        square->margins[k] = attack_is_targeted(attack) ? -margin : margin;
    }
    return r;
}

static void next_query(struct square *square, const struct attack_point *point, const struct attack_slot *slot,
                       uint32_t k)
{
    struct query query = query_of(square, point, slot, k);
    double share = square_share(slot->iteration, square->attack.plan->iterations);

    memcpy(query.trial, square->best + k * square->attack.size, square->attack.size * sizeof *query.trial);
    if (point->step.norm == PLAN_NORM_INF)
        change_sides(square, &query, share);
    else
        move_bump(square, &query, share);
    show(square, &query, k);
}

static bool square_advance(void *self, const struct attack_point *point, struct attack_slot *slot, uint32_t k)
{
    struct square *square = self;
    struct attack *attack = &square->attack;
    struct search *search = &square->searches[k];
    size_t size = attack->size;

    attack_offer(attack, point->window, slot->sample, square->predictions[k], square->x + k * size);
    if (attack_is_broken(attack, slot->sample))
        return true;
    if (slot->iteration == 0 || square->margins[k] < search->margin) {
        search->margin = square->margins[k];
        memcpy(square->best + k * size, square->trial + k * size, size * sizeof *square->best);
    }
    slot->iteration++;
    if (slot->iteration < attack->plan->iterations) {
        next_query(square, point, slot, k);
        return false;
    }
    if (slot->restart >= attack->plan->restarts)
        return true;
    slot->restart++;
    slot->iteration = 0;
    begin_restart(square, point, slot, k);
    return false;
}

static void square_move(void *self, uint32_t from, uint32_t to)
{
    struct square *square = self;
    size_t size = square->attack.size;

    square->searches[to] = square->searches[from];
    memcpy(square->best + to * size, square->best + from * size, size * sizeof *square->best);
    memcpy(square->trial + to * size, square->trial + from * size, size * sizeof *square->trial);
    if (square->x != square->trial)
        memcpy(square->x + to * size, square->x + from * size, size * sizeof *square->x);
}

static int square_check_window(void *state, const struct check_window *window, struct error *err)
{
    static const struct attack_method method = {
        .start = square_start, .evaluate = square_evaluate, .advance = square_advance, .move = square_move};
    struct square *square = state;

    if (window->set == PLAN_SET_FEATURES)
        return features_take(&square->attack.features, window, err);
    return attack_pool_run(&square->pool, &square->attack, &method, square, window, err);
}

static int square_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    const struct square *square = state;

    (void)err;
    *ret_figures = square->attack.figures;
    return 0;
}

const struct check check_square = {
    .id = PLAN_SQUARE,
    .version = 1,
    .needs_range = true,
    .begin = square_begin,
    .window = square_check_window,
    .end = square_end,
    .free = square_free,
};
