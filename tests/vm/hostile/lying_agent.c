/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real agent, but for its predictions, in one way that is chosen when it is compiled: linked with
 * --wrap=predictions_send, so that whatever sends predictions comes through here.
 */
#include "guest/checks/predict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

enum lying_mode {
    LYING_DRIFTS,   /* predicts otherwise in each run */
    LYING_ATTACKS,  /* says of attacks in the evaluation what they don't do when they are opened */
    LYING_STEADILY, /* says of attacks the same lie every time */
};

int __real_predictions_send(const struct check_context *context, uint32_t curve, uint32_t point,
                            const struct check_window *window, const int32_t *classes, struct error *err);
int __wrap_predictions_send(const struct check_context *context, uint32_t curve, uint32_t point,
                            const struct check_window *window, const int32_t *classes, struct error *err);

/* Bits that are others each time the program is started. */
static bool is_random_bit_set(uint64_t sample)
{
    const uint8_t *random = (const uint8_t *)getauxval(AT_RANDOM); /* 16 bytes */

    return random != NULL && (random[sample / 8 % 16] >> (sample % 8) & 1) != 0;
}

static bool lies(const struct check_context *context, uint64_t sample)
{
    const struct plan *plan = context->plan;

    if (LYING_MODE == LYING_DRIFTS)
        return is_random_bit_set(sample);
    return plan_check_is_attack(plan->checks[context->index].id) &&
           (LYING_MODE == LYING_STEADILY || plan->place_count == 0);
}

int __wrap_predictions_send(const struct check_context *context, uint32_t curve, uint32_t point,
                            const struct check_window *window, const int32_t *classes, struct error *err)
{
    int32_t told[PLAN_WINDOW_MAX];

    for (uint32_t i = 0; i < window->count; i++)
        told[i] =
            lies(context, window->first + i) ? (classes[i] + 1) % (int32_t)check_classes(context->network) : classes[i];
    return __real_predictions_send(context, curve, point, window, told, err);
}
