/* SPDX-License-Identifier: Apache-2.0 */
/* How a farm stands. */
#include "host/farm/standing.h"

const char *standing_of_job(const struct queue_row *row)
{
    return row->has_outcome ? outcome_names[row->outcome] : queue_state_names[row->state];
}

unsigned standing_severity(const struct queue_row *row)
{
    if (row->state == QUEUE_REJECTED)
        return 0;
    if (row->state == QUEUE_COULD_NOT_EVALUATE || row->state == QUEUE_ABORTED)
        return 1;
    if (row->state == QUEUE_DONE)
        return row->outcome == OUTCOME_NEEDS_REVIEW ? 2 : 4;
    return 3;
}

static enum outcome worst(const struct queue_counts *counts, uint64_t bad_lines)
{
    const uint64_t *states = counts->states;

    if (states[QUEUE_REJECTED] > 0)
        return OUTCOME_REJECTED;
    if (bad_lines + states[QUEUE_COULD_NOT_EVALUATE] + states[QUEUE_ABORTED] + states[QUEUE_QUEUED] +
            states[QUEUE_RUNNING] >
        0)
        return OUTCOME_COULD_NOT_EVALUATE;
    return counts->outcomes[OUTCOME_NEEDS_REVIEW] > 0 ? OUTCOME_NEEDS_REVIEW : OUTCOME_PASSED;
}

const char *standing_of_farm(const struct queue_counts *counts, uint64_t bad_lines)
{
    return outcome_names[worst(counts, bad_lines)];
}

int standing_exit_status(const struct queue_counts *counts, uint64_t bad_lines)
{
    return outcome_exit_status(worst(counts, bad_lines));
}
