/* SPDX-License-Identifier: Apache-2.0 */
/* Where the windows of one run come from. */
#include "host/job/inputs.h"

#include <errno.h>
#include <string.h>

int inputs_window(const struct inputs *inputs, const struct plan *plan, enum plan_set_id id, uint64_t first,
                  uint32_t count, float *ret_x, uint64_t deadline_ns, struct error *err)
{
    static const enum data_set_id from[PLAN_SET_COUNT] = {[PLAN_SET_FEATURES] = DATA_SET_FEATURES,
                                                          [PLAN_SET_TRIGGERS] = DATA_SET_TRIGGERS,
                                                          [PLAN_SET_TRAIN] = DATA_SET_TRAIN,
                                                          [PLAN_SET_TEST] = DATA_SET_TEST};
    const struct plan_set *set = &plan->sets[id];
    size_t elements = (size_t)plan_sample_elements(&plan->contract);

    if (first > set->count || count > set->count - first)
        return error_set(err, ERROR_INTERNAL, -ERANGE, "a window beyond its set");
    if (id != PLAN_SET_TEST || inputs->test == NULL)
        return data_reader_window(inputs->reader, from[id], first, count, ret_x, deadline_ns, err);
    memcpy(ret_x, inputs->test + first * elements, count * elements * sizeof *ret_x);
    return 0;
}
