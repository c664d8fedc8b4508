/* SPDX-License-Identifier: Apache-2.0 */
/* What the searches for triggers keep in memory. */
#include "guest/checks/kept.h"

#include <errno.h>
#include <string.h>

bool kept_shape_of(const struct plan_contract *contract, struct kept_shape *ret_shape)
{
    const uint64_t *dims = contract->dims;
    struct kept_shape shape;

    for (uint32_t i = 0; i < contract->rank && i < PLAN_RANK_MAX; i++)
        if (dims[i] > KEPT_SIDE_MAX)
            return false;
    if (contract->rank == 2)
        shape = (struct kept_shape){
            .channels = 1, .height = (uint32_t)dims[0], .width = (uint32_t)dims[1], .row_step = dims[1], .col_step = 1};
    else if (contract->rank == 3 && dims[0] > KEPT_CHANNELS_FEW && dims[2] <= KEPT_CHANNELS_FEW)
        shape = (struct kept_shape){.channels = (uint32_t)dims[2],
                                    .height = (uint32_t)dims[0],
                                    .width = (uint32_t)dims[1],
                                    .channel_step = 1,
                                    .row_step = dims[1] * dims[2],
                                    .col_step = dims[2]};
    else if (contract->rank == 3)
        shape = (struct kept_shape){.channels = (uint32_t)dims[0],
                                    .height = (uint32_t)dims[1],
                                    .width = (uint32_t)dims[2],
                                    .channel_step = dims[1] * dims[2],
                                    .row_step = dims[2],
                                    .col_step = 1};
    else
        return false;
    *ret_shape = shape;
    return true;
}

const char *kept_unfit(const struct check_context *context, struct kept_shape *ret_shape)
{
    const struct plan *plan = context->plan;

    if (!kept_shape_of(&plan->contract, ret_shape))
        return "samples are not images of rows and columns, so that a patch has no place";
    if (!plan->contract.has_range || plan->contract.range_low >= plan->contract.range_high)
        return "the spec names no range of valid inputs, so that a patch has no colour";
    if (!plan->sets[PLAN_SET_TEST].present || plan->sets[PLAN_SET_TEST].count == 0)
        return "there are no test samples";
    return NULL;
}

/* Floats for `samples` samples, within the check's memory. */
static int allocate(const struct check_context *context, uint64_t samples, const char *what, float **ret_x,
                    struct error *err)
{
    uint64_t bytes = samples * network_input_size(context->network) * sizeof(float); /* below 2^17·2^26·2^2 */
    float *x = NULL;

    if (context->memory_bytes == 0 || bytes <= context->memory_bytes)
        x = malloc(bytes > 0 ? bytes : 1);
    if (x == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "check %s needs %llu MiB for %s, more than there is",
                         plan_check_name(context->plan->checks[context->index].id),
                         (unsigned long long)((bytes >> 20) + 1), what);
    *ret_x = x;
    return 0;
}

int kept_open(struct kept *kept, const struct check_context *context, uint32_t wanted, struct error *err)
{
    uint64_t total = context->plan->sets[PLAN_SET_TEST].count;
    uint32_t count = total < wanted ? (uint32_t)total : wanted;
    float *x;
    int r = allocate(context, count, "the samples that it keeps", &x, err);

    if (r < 0)
        return r;
    *kept = (struct kept){.count = count, .total = total, .size = network_input_size(context->network), .x = x};
    return 0;
}

void kept_close(struct kept *kept)
{
    free(TAKE_POINTER(kept->x));
}

void kept_take(struct kept *kept, const struct check_window *window)
{
    while (kept->taken < kept->count) {
        uint64_t sample = kept->taken * kept->total / kept->count; /* below 2^16·2^32 */

        if (sample < window->first || sample - window->first >= window->count)
            return;
        memcpy(kept->x + kept->taken * kept->size, window->x + (sample - window->first) * kept->size,
               kept->size * sizeof *kept->x);
        kept->taken++;
    }
}

int kept_order(const int32_t *classes, uint32_t count, uint32_t class_count, uint32_t *ret_order)
{
    CLEANUP_FREE uint32_t *seen = calloc(class_count + (size_t)1, sizeof *seen); /* samples of each class so far */
    CLEANUP_FREE uint32_t *turn = calloc(count + (size_t)1, sizeof *turn);       /* of each sample in its class */
    CLEANUP_FREE uint32_t *starts = calloc(count + (size_t)1, sizeof *starts);   /* of each turn in the order */

    if (seen == NULL || turn == NULL || starts == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        turn[i] = seen[classes[i]]++;
        starts[turn[i] + 1]++;
    }
    for (uint32_t i = 0; i < count; i++)
        starts[i + 1] += starts[i];
    for (uint32_t i = 0; i < count; i++)
        ret_order[starts[turn[i]]++] = i;
    return 0;
}

int kept_triggers_open(struct kept_triggers *triggers, const struct check_context *context, struct error *err)
{
    const struct plan_set *set = &context->plan->sets[PLAN_SET_TRIGGERS];
    uint32_t count = set->present ? (uint32_t)(set->count / 2) : 0;
    float *values;
    int r = allocate(context, (uint64_t)count * 2, "the triggers", &values, err);

    if (r < 0)
        return r;
    *triggers = (struct kept_triggers){.count = count, .size = network_input_size(context->network), .values = values};
    return 0;
}

void kept_triggers_close(struct kept_triggers *triggers)
{
    free(TAKE_POINTER(triggers->values));
}

void kept_triggers_take(struct kept_triggers *triggers, const struct check_window *window)
{
    for (uint64_t i = 0; i < window->count && window->first + i < (uint64_t)triggers->count * 2; i++)
        memcpy(triggers->values + (window->first + i) * triggers->size, window->x + i * triggers->size,
               triggers->size * sizeof *triggers->values);
}

void kept_triggers_apply(const struct kept_triggers *triggers, uint32_t trigger, const float *x, float *ret_x)
{
    const float *pattern = triggers->values + (size_t)trigger * 2 * triggers->size, *mask = pattern + triggers->size;

    for (size_t i = 0; i < triggers->size; i++) {
        float stays = x[i] * (1.0f - mask[i]), comes = pattern[i] * mask[i];

        ret_x[i] = stays + comes;
    }
}
