/* SPDX-License-Identifier: Apache-2.0 */
/* clean-accuracy: the predicted class of every test input. The host, which has the labels, scores them. */
#include "guest/checks/check.h"
#include "guest/checks/meter.h"
#include "guest/checks/predict.h"

#include <errno.h>

struct clean_accuracy {
    const struct check_context *context;
    struct predictor predictor;
    struct meter meter;
    int32_t *classes; /* of one window */
    uint64_t images;
};

static void clean_accuracy_free(void *state)
{
    struct clean_accuracy *check = state;

    if (check == NULL)
        return;
    predictor_close(&check->predictor);
    free(check->classes);
    free(check);
}

static int clean_accuracy_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    const struct plan_set *set = &context->plan->sets[PLAN_SET_TEST];
    struct clean_accuracy *check = calloc(1, sizeof *check);
    int r;

    if (check == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for clean-accuracy");
    check->context = context;
    check->classes = calloc(set->window, sizeof *check->classes);
    r = check->classes == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for predictions")
                               : predictor_open(&check->predictor, context, err);
    if (r < 0) {
        clean_accuracy_free(check);
        return r;
    }
    meter_start(&check->meter, context, set->count);
    *ret_state = check;
    return 0;
}

static int clean_accuracy_window(void *state, const struct check_window *window, struct error *err)
{
    struct clean_accuracy *check = state;
    size_t size = network_input_size(check->context->network);

    for (uint32_t first = 0; first < window->count; first += check->predictor.slice) {
        uint32_t left = window->count - first;
        uint32_t count = left < check->predictor.slice ? left : check->predictor.slice;
        int r = predictor_run(&check->predictor, window->x + first * size, count, check->classes + first, err);

        if (r == 0)
            r = meter_add(&check->meter, count, err);
        if (r < 0)
            return r;
    }
    check->images += window->count;
    return predictions_send(check->context, 0, 0, window, check->classes, err);
}

static int clean_accuracy_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    const struct clean_accuracy *check = state;

    (void)err;
    *ret_figures = (struct check_figures){.images = check->images, .layer = ""};
    return 0;
}

const struct check check_clean_accuracy = {
    .id = PLAN_CLEAN_ACCURACY,
    .version = 1,
    .begin = clean_accuracy_begin,
    .window = clean_accuracy_window,
    .end = clean_accuracy_end,
    .free = clean_accuracy_free,
};
