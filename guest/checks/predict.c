/* SPDX-License-Identifier: Apache-2.0 */
/* Predicted classes. */
#include "guest/checks/predict.h"

#include <errno.h>

int predictor_open(struct predictor *predictor, const struct check_context *context, struct error *err)
{
    uint32_t slice = network_batch(context->network);
    size_t classes = network_classes(context->network);
    float *logits = calloc((size_t)slice * classes, sizeof *logits);

    if (logits == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for %u × %zu logits", slice, classes);
    *predictor = (struct predictor){.context = context, .slice = slice, .classes = classes, .logits = logits};
    return 0;
}

void predictor_close(struct predictor *predictor)
{
    free(predictor->logits);
    predictor->logits = NULL;
}

int predictor_run(struct predictor *predictor, const float *x, uint32_t count, int32_t *ret_classes, struct error *err)
{
    int r = network_logits(predictor->context->network, x, count, predictor->logits, err);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < count; i++)
        ret_classes[i] = network_argmax(predictor->logits + i * predictor->classes, predictor->classes);
    return 0;
}

int predictions_send(const struct check_context *context, uint32_t curve, uint32_t point,
                     const struct check_window *window, const int32_t *classes, struct error *err)
{
    const struct message message = {
        .type = MESSAGE_PREDICTIONS,
        .predictions = {.check = context->index,
                        .curve = curve,
                        .point = point,
                        .first = window->first,
                        .count = window->count,
                        .classes = {.data = (const uint8_t *)classes,
                                    .size = window->count * (uint32_t)sizeof *classes}},
    };

    return context->sink.send(context->sink.argument, &message, err);
}
