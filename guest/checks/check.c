/* SPDX-License-Identifier: Apache-2.0 */
/* The table of checks. */
#include "guest/checks/check.h"

#include <errno.h>

static const struct check *const checks[] = {
    &check_clean_accuracy,
    &check_noise,
    &check_fgsm,
    &check_pgd,
    &check_square,
    &check_activation_clustering,
    &check_spectral_signature,
    &check_trigger_scan,
    &check_neural_cleanse,
    &check_strip,
    &check_weight_drift,
};

int check_find(const struct plan *plan, uint32_t index, const struct check **ret_check, struct error *err)
{
    const struct plan_check *wanted = &plan->checks[index];

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (checks[i]->id != wanted->id)
            continue;
        if (checks[i]->version != wanted->version)
            return error_set(err, ERROR_UNAVAILABLE, -ENOTSUP, "check %s has version %u in this agent, not %u",
                             plan_check_name(wanted->id), checks[i]->version, wanted->version);
        if (checks[i]->needs_range && !plan->contract.has_range)
            return error_set(err, ERROR_BAD_INPUT, -EINVAL,
                             "check %s needs the inputs' valid range, and the input contract names none",
                             plan_check_name(wanted->id));
        *ret_check = checks[i];
        return 0;
    }
    return error_set(err, ERROR_UNAVAILABLE, -ENOTSUP, "this agent has no check %u", (unsigned)wanted->id);
}

bool check_needs_gradient(const struct check *check, const struct plan_check *planned)
{
    return check->needs_gradient || (check->wants_gradient != NULL && check->wants_gradient(planned));
}

int check_send_row(const struct check_context *context, struct message_row row, struct error *err)
{
    struct message message = {.type = MESSAGE_ROW, .row = row};

    message.row.check = context->index;
    return context->sink.send(context->sink.argument, &message, err);
}

uint32_t check_classes(const struct network *network)
{
    size_t classes = network_classes(network);

    return classes == 1 ? 2 : (uint32_t)classes;
}
