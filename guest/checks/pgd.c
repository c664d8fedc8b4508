/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pgd: Projected Gradient Descent (Madry et al. 2018, arXiv:1706.06083) for curves over eps.
 *
 * The first start is the clean input, each restart a random point of the ball. A step has the length
 * step·eps and goes where fgsm's goes; for norm 1 along the few largest elements of the gradient that can still
 * move (Tramèr, Boneh 2019, arXiv:1904.13000). Then the input is projected on the ball. A gradient's pass also
 * gives the prediction of the point where it is taken, so that an attack ends with the first iterate that is
 * broken, at no further cost; only the last iterate costs a forward pass of its own.
 *
 * Where elements are integers or one-hot, the iterate is a point of the ball as always, and what the network
 * sees (and what counts) is that point brought back to what the elements can be.
 */
#include "guest/checks/attack_pool.h"
#include "guest/checks/noise_ball.h"
#include "guest/checks/projection.h"

#include <errno.h>
#include <string.h>

/* Norm 1: a step moves one element in so many, in the first half of the iterations and in the second. */
#define SPARSE_EARLY 20u
#define SPARSE_LATE  100u

struct pgd {
    struct attack attack;
    struct attack_pool pool;
    float *x;             /* slots × size: what the network sees */
    float *iterate;       /* slots × size: the points of the ball; x itself where no element is discrete */
    float *gradient;      /* slots × size */
    float *direction;     /* size */
    int32_t *labels;      /* slots: of the loss */
    int32_t *predictions; /* slots */
    uint64_t zero_gradients, clean_gradients;
};

static void pgd_free(void *state)
{
    struct pgd *pgd = state;

    if (pgd == NULL)
        return;
    attack_close(&pgd->attack);
    attack_pool_close(&pgd->pool);
    if (pgd->iterate != pgd->x)
        free(pgd->iterate);
    free(pgd->x);
    free(pgd->gradient);
    free(pgd->direction);
    free(pgd->labels);
    free(pgd->predictions);
    free(pgd);
}

static int allocate(struct pgd *pgd, struct error *err)
{
    size_t slots = pgd->attack.predictor.slice, size = pgd->attack.size;
    bool features = pgd->attack.context->plan->sets[PLAN_SET_FEATURES].present;

    pgd->x = calloc(slots * size, sizeof *pgd->x);
    pgd->iterate = features ? calloc(slots * size, sizeof *pgd->iterate) : pgd->x;
    pgd->gradient = calloc(slots * size, sizeof *pgd->gradient);
    pgd->direction = calloc(size, sizeof *pgd->direction);
    pgd->labels = calloc(slots, sizeof *pgd->labels);
    pgd->predictions = calloc(slots, sizeof *pgd->predictions);
    if (pgd->x == NULL || pgd->iterate == NULL || pgd->gradient == NULL || pgd->direction == NULL ||
        pgd->labels == NULL || pgd->predictions == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for pgd on %zu inputs of %zu elements", slots,
                         size);
    return attack_pool_open(&pgd->pool, &pgd->attack, err);
}

static int pgd_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    struct pgd *pgd = calloc(1, sizeof *pgd);
    int r;

    if (pgd == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for pgd");
    r = attack_open(&pgd->attack, context, err);
    if (r == 0)
        r = allocate(pgd, err);
    if (r < 0) {
        pgd_free(pgd);
        return r;
    }
    *ret_state = pgd;
    return 0;
}

/* --- iterates ------------------------------------------------------------------------------------------------ */

static const float *clean_of(const struct attack_point *point, const struct attack_slot *slot)
{
    return point->window->x + slot->sample * point->attack->size;
}

static void project(const struct attack_point *point, const float *clean, float *moved)
{
    if (point->step.norm == 1)
        projection_l1(&point->step, clean, point->attack->size, moved);
    else
        fgsm_project(&point->step, clean, point->attack->size, moved);
}

/* What the network sees of the iterate. */
static void show(struct pgd *pgd, const struct attack_point *point, const float *clean, const float *lean, uint32_t k)
{
    size_t size = pgd->attack.size;

    if (pgd->iterate == pgd->x)
        return;
    memcpy(pgd->x + k * size, pgd->iterate + k * size, size * sizeof *pgd->x);
    features_settle(&pgd->attack.features, &point->step, clean, lean, pgd->x + k * size);
}

/* The first iterate of the slot's present restart. */
static void begin_restart(struct pgd *pgd, const struct attack_point *point, const struct attack_slot *slot, uint32_t k)
{
    const struct attack *attack = &pgd->attack;
    const float *clean = clean_of(point, slot);
    float *iterate = pgd->iterate + k * attack->size;

    if (slot->restart == 0) {
        memcpy(iterate, clean, attack->size * sizeof *iterate);
    } else {
        struct random_stream stream = attack_stream(attack, point->window->first + slot->sample, slot->restart);

        noise_ball(&stream, point->step.norm, false, attack->size, pgd->direction);
        features_mask(&attack->features, pgd->direction);
        fgsm_move(&point->step, clean, pgd->direction, attack->size, iterate);
        project(point, clean, iterate);
    }
    show(pgd, point, clean, NULL, k);
}

static void pgd_start(void *self, const struct attack_point *point, const struct attack_slot *slots, uint32_t k)
{
    struct pgd *pgd = self;

    pgd->labels[k] = attack_loss_class(&pgd->attack, slots[k].sample);
    begin_restart(pgd, point, &slots[k], k);
}

/* Norm 1: elements of a step, of which later ones find the few that matter most. */
static size_t sparse_elements(const struct attack *attack, const struct attack_slot *slot)
{
    bool early = 2 * (uint64_t)slot->iteration <= attack->plan->iterations;
    size_t k = attack->size / (early ? SPARSE_EARLY : SPARSE_LATE);

    return k > 0 ? k : 1;
}

static void step_on(struct pgd *pgd, const struct attack_point *point, const struct attack_slot *slot, uint32_t k)
{
    const struct attack *attack = &pgd->attack;
    struct fgsm_step step = point->step;
    const float *clean = clean_of(point, slot);
    float *iterate = pgd->iterate + k * attack->size, *gradient = pgd->gradient + k * attack->size;

    step.step = attack->plan->step * step.eps;
    if (step.norm == 1) {
        projection_sparse_step(&step, step.step, sparse_elements(attack, slot), iterate, gradient, attack->size,
                               pgd->direction);
        memcpy(iterate, pgd->direction, attack->size * sizeof *iterate);
    } else {
        fgsm_direction(step.norm, gradient, attack->size, pgd->direction);
        fgsm_move(&step, iterate, pgd->direction, attack->size, iterate);
    }
    project(point, clean, iterate);
    show(pgd, point, clean, gradient, k);
}

/* --- the pool's method ------------------------------------------------------------------------------------ */

static bool is_last(const struct pgd *pgd, const struct attack_slot *slot)
{
    return slot->iteration >= pgd->attack.plan->iterations;
}

/* Gradients and predictions of slots [first, end), or predictions alone. */
static int evaluate_range(struct pgd *pgd, uint32_t first, uint32_t end, bool last, struct error *err)
{
    struct attack *attack = &pgd->attack;
    const float *x = pgd->x + first * attack->size;
    uint32_t count = end - first;
    uint64_t before;
    int r;

    attack->figures.images += count;
    if (last)
        return predictor_run(&attack->predictor, x, count, pgd->predictions + first, err);
    before = meter_cpu_ns();
    r = network_gradient(attack->context->network, x, count, pgd->labels + first, pgd->gradient + first * attack->size,
                         pgd->predictions + first, err);
    attack->figures.gradient_cpu_ns += meter_cpu_ns() - before;
    attack->figures.gradient_images += count;
    return r;
}

static int pgd_evaluate(void *self, const struct attack_point *point, const struct attack_slot *slots, uint32_t live,
                        struct error *err)
{
    struct pgd *pgd = self;
    int r = 0;

    (void)point;
    for (uint32_t first = 0, end; r == 0 && first < live; first = end) {
        bool last = is_last(pgd, &slots[first]);

        for (end = first + 1; end < live && is_last(pgd, &slots[end]) == last; end++)
            ;
        r = evaluate_range(pgd, first, end, last, err);
    }
    return r;
}

/* True when the gradient leads nowhere. */
static bool take_gradient(struct pgd *pgd, const struct attack_point *point, const struct attack_slot *slot, uint32_t k)
{
    float *gradient = pgd->gradient + k * pgd->attack.size;
    bool zero;

    attack_orient_gradient(&pgd->attack, gradient);
    zero = attack_is_zero(gradient, pgd->attack.size);
    if (point->first && slot->restart == 0 && slot->iteration == 0) {
        pgd->zero_gradients += zero;
        pgd->clean_gradients++;
    }
    return zero;
}

static bool pgd_advance(void *self, const struct attack_point *point, struct attack_slot *slot, uint32_t k)
{
    struct pgd *pgd = self;
    struct attack *attack = &pgd->attack;
    const float *x = pgd->x + k * attack->size;

    attack_offer_turned(attack, point->window, slot->sample, pgd->predictions[k], x);
    if (attack_is_broken(attack, slot->sample))
        return true;
    if (!is_last(pgd, slot) && !take_gradient(pgd, point, slot, k)) {
        slot->iteration++;
        step_on(pgd, point, slot, k);
        return false;
    }
    attack_offer(attack, point->window, slot->sample, pgd->predictions[k], x);
    if (slot->restart >= attack->plan->restarts)
        return true;
    slot->restart++;
    slot->iteration = 0;
    begin_restart(pgd, point, slot, k);
    return false;
}

static void pgd_move(void *self, uint32_t from, uint32_t to)
{
    struct pgd *pgd = self;
    size_t size = pgd->attack.size;

    memcpy(pgd->x + to * size, pgd->x + from * size, size * sizeof *pgd->x);
    if (pgd->iterate != pgd->x)
        memcpy(pgd->iterate + to * size, pgd->iterate + from * size, size * sizeof *pgd->iterate);
    pgd->labels[to] = pgd->labels[from];
}

static int pgd_window(void *state, const struct check_window *window, struct error *err)
{
    static const struct attack_method method = {
        .start = pgd_start, .evaluate = pgd_evaluate, .advance = pgd_advance, .move = pgd_move};
    struct pgd *pgd = state;

    if (window->set == PLAN_SET_FEATURES)
        return features_take(&pgd->attack.features, window, err);
    return attack_pool_run(&pgd->pool, &pgd->attack, &method, pgd, window, err);
}

static int pgd_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    const struct pgd *pgd = state;

    *ret_figures = pgd->attack.figures;
    return attack_send_gradients(&pgd->attack, pgd->zero_gradients, pgd->clean_gradients, err);
}

const struct check check_pgd = {
    .id = PLAN_PGD,
    .version = 1,
    .needs_range = true,
    .needs_gradient = true,
    .unfit = attack_unfit,
    .begin = pgd_begin,
    .window = pgd_window,
    .end = pgd_end,
    .free = pgd_free,
};
