/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs in flight. */
#include "guest/checks/attack_pool.h"

#include <errno.h>

int attack_pool_open(struct attack_pool *pool, const struct attack *attack, struct error *err)
{
    *pool = (struct attack_pool){
        .slots = calloc(attack->predictor.slice, sizeof *pool->slots),
        .clean = calloc(attack->window, sizeof *pool->clean),
    };
    if (pool->slots != NULL && pool->clean != NULL)
        return 0;
    attack_pool_close(pool);
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for an attack on %u inputs", attack->window);
}

void attack_pool_close(struct attack_pool *pool)
{
    free(TAKE_POINTER(pool->slots));
    free(TAKE_POINTER(pool->clean));
}

/* The samples of one point that are not yet in a slot. */
struct queue {
    uint32_t next;
};

/* Gives slots from `live` on to samples that wait; returns how many are taken now. */
static uint32_t fill_slots(struct attack_pool *pool, const struct attack_point *point,
                           const struct attack_method *method, void *self, struct queue *queue, uint32_t live)
{
    const struct attack *attack = point->attack;

    for (; live < attack->predictor.slice && queue->next < point->window->count; queue->next++) {
        if (attack_is_broken(attack, queue->next))
            continue;
        pool->slots[live] = (struct attack_slot){.sample = queue->next};
        method->start(self, point, pool->slots, live);
        live++;
    }
    return live;
}

/* Every slot's next move; slots that are done are closed by the last one. Returns how many are left. */
static uint32_t advance_slots(struct attack_pool *pool, const struct attack_point *point,
                              const struct attack_method *method, void *self, uint32_t live)
{
    for (uint32_t k = live; k-- > 0;) {
        if (!method->advance(self, point, &pool->slots[k], k))
            continue;
        live--;
        if (k < live) {
            pool->slots[k] = pool->slots[live];
            method->move(self, live, k);
        }
    }
    return live;
}

static int run_point(struct attack_pool *pool, const struct attack_point *point, const struct attack_method *method,
                     void *self, struct error *err)
{
    struct queue queue = {0};
    uint32_t live = fill_slots(pool, point, method, self, &queue, 0);
    int r = 0;

    while (r == 0 && live > 0) {
        r = method->evaluate(self, point, pool->slots, live, err);
        if (r == 0)
            r = meter_add(&point->attack->meter, 0, err);
        if (r == 0)
            live = fill_slots(pool, point, method, self, &queue, advance_slots(pool, point, method, self, live));
    }
    return r < 0 ? r : meter_add(&point->attack->meter, point->window->count, err);
}

static int run_curve(struct attack_pool *pool, struct attack *attack, const struct attack_method *method, void *self,
                     const struct check_window *window, uint32_t c, struct error *err)
{
    const struct plan_curve *curve = &attack->plan->curves[c];
    int r = 0;

    attack_forget(attack, window->count, ATTACK_BROKEN);
    for (uint32_t i = 0; i < window->count; i++)
        attack_offer_turned(attack, window, i, pool->clean[i], window->x + i * attack->size);
    for (uint32_t p = 0; r == 0 && p < curve->point_count; p++) {
        const struct attack_point point = {
            .attack = attack, .window = window, .step = attack_step(attack, curve, p), .first = c == 0 && p == 0};

        r = run_point(pool, &point, method, self, err);
        if (r == 0)
            r = attack_publish(attack, c, p, window, err);
        attack_forget(attack, window->count, ATTACK_HELD);
    }
    return r;
}

int attack_pool_run(struct attack_pool *pool, struct attack *attack, const struct attack_method *method, void *self,
                    const struct check_window *window, struct error *err)
{
    int r = attack_aim(attack, window, pool->clean, err);

    for (uint32_t c = 0; r == 0 && c < attack->plan->curve_count; c++)
        r = run_curve(pool, attack, method, self, window, c, err);
    return r;
}
