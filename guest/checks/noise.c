/* SPDX-License-Identifier: Apache-2.0 */
/*
 * noise: seeded random noise of the size of each point's ball, which needs no gradient. What breaks an input here
 * is no attack, but an accident waiting to happen.
 *
 * `iterations` draws for each input, uniform for norm inf, on the ball's surface for the others (noise_ball.h), each
 * clipped to the range; the first that breaks an input is kept. The draws of a sample are the same for all points of
 * a curve, but for their size.
 */
#include "guest/checks/attack_pool.h"
#include "guest/checks/noise_ball.h"

#include <errno.h>
#include <string.h>

struct noise {
    struct attack attack;
    struct attack_pool pool;
    float *x;         /* slots × size */
    float *direction; /* size */
    int32_t *predictions;
};

static void noise_free(void *state)
{
    struct noise *noise = state;

    if (noise == NULL)
        return;
    attack_close(&noise->attack);
    attack_pool_close(&noise->pool);
    free(noise->x);
    free(noise->direction);
    free(noise->predictions);
    free(noise);
}

static int allocate(struct noise *noise, struct error *err)
{
    size_t slots = noise->attack.predictor.slice, size = noise->attack.size;

    noise->x = calloc(slots * size, sizeof *noise->x);
    noise->direction = calloc(size, sizeof *noise->direction);
    noise->predictions = calloc(slots, sizeof *noise->predictions);
    if (noise->x == NULL || noise->direction == NULL || noise->predictions == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for noise on %zu inputs of %zu elements", slots,
                         size);
    return attack_pool_open(&noise->pool, &noise->attack, err);
}

static int noise_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    struct noise *noise = calloc(1, sizeof *noise);
    int r;

    if (noise == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for noise");
    r = attack_open(&noise->attack, context, err);
    if (r == 0)
        r = allocate(noise, err);
    if (r < 0) {
        noise_free(noise);
        return r;
    }
    *ret_state = noise;
    return 0;
}

/* --- the pool's method ---------------------------------------------------------------------------------- */

static void draw(struct noise *noise, const struct attack_point *point, const struct attack_slot *slot, uint32_t k)
{
    const struct attack *attack = &noise->attack;
    const float *clean = point->window->x + slot->sample * attack->size;
    struct random_stream stream = attack_stream(attack, point->window->first + slot->sample, slot->iteration);
    float *x = noise->x + k * attack->size;

    noise_ball(&stream, point->step.norm, true, attack->size, noise->direction);
    features_mask(&attack->features, noise->direction);
    fgsm_move(&point->step, clean, noise->direction, attack->size, x);
    fgsm_project(&point->step, clean, attack->size, x);
    features_settle(&attack->features, &point->step, clean, NULL, x);
}

static void noise_start(void *self, const struct attack_point *point, const struct attack_slot *slots, uint32_t k)
{
    draw(self, point, &slots[k], k);
}

static int noise_evaluate(void *self, const struct attack_point *point, const struct attack_slot *slots, uint32_t live,
                          struct error *err)
{
    struct noise *noise = self;

    (void)point;
    (void)slots;
    noise->attack.figures.images += live;
    return predictor_run(&noise->attack.predictor, noise->x, live, noise->predictions, err);
}

static bool noise_advance(void *self, const struct attack_point *point, struct attack_slot *slot, uint32_t k)
{
    struct noise *noise = self;
    struct attack *attack = &noise->attack;

    attack_offer(attack, point->window, slot->sample, noise->predictions[k], noise->x + k * attack->size);
    slot->iteration++;
    if (attack_is_broken(attack, slot->sample) || slot->iteration >= attack->plan->iterations)
        return true;
    draw(noise, point, slot, k);
    return false;
}

static void noise_move(void *self, uint32_t from, uint32_t to)
{
    struct noise *noise = self;
    size_t size = noise->attack.size;

    memcpy(noise->x + to * size, noise->x + from * size, size * sizeof *noise->x);
}

static int noise_window(void *state, const struct check_window *window, struct error *err)
{
    static const struct attack_method method = {
        .start = noise_start, .evaluate = noise_evaluate, .advance = noise_advance, .move = noise_move};
    struct noise *noise = state;

    if (window->set == PLAN_SET_FEATURES)
        return features_take(&noise->attack.features, window, err);
    return attack_pool_run(&noise->pool, &noise->attack, &method, noise, window, err);
}

static int noise_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    const struct noise *noise = state;

    (void)err;
    *ret_figures = noise->attack.figures;
    return 0;
}

const struct check check_noise = {
    .id = PLAN_NOISE,
    .version = 1,
    .needs_range = true,
    .begin = noise_begin,
    .window = noise_window,
    .end = noise_end,
    .free = noise_free,
};
