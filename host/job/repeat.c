/* SPDX-License-Identifier: Apache-2.0 */
/* The evaluation, once or more often. */
#include "host/job/repeat.h"

#include "host/attest/replay.h"

#include <errno.h>
#include <string.h>

/* Runs and scores once. */
static int evaluate(const struct run_setting *setting, const struct plan_made *made, const struct inputs *inputs,
                    struct run *run, struct assessment *assessment, struct error *err)
{
    int r = run_whole(setting, run, &made->plan, inputs, NULL, err);

    if (r < 0)
        return r;
    events_label(setting->events, run->label);
    events_begin(setting->events, "score");
    r = assess_results(setting->admission, made, run->results, &run->record, assessment, err);
    events_label(setting->events, "");
    if (r < 0)
        return r;
    run->evaluated = true;
    sha256_of(assessment->evaluation_bytes.data, assessment->evaluation_bytes.size, run->evaluation_sha256);
    return 0;
}

static int compare(const struct buffer *first, const struct buffer *again, unsigned number, struct error *err)
{
    struct replay_comparison comparison;
    int r = replay_compare(first->data, first->size, again->data, again->size, &comparison, err);

    if (r < 0 || comparison.reproduced)
        return r;
    return error_set(
        err, ERROR_GUEST, -EBADMSG,
        "evaluation %u differs from the first: %s was %s and is now %s; the same model, data and plan must "
        "give the same bits, so this guest is not deterministic, or lies",
        number, comparison.place, comparison.recorded, comparison.replayed);
}

/* Evaluates once more, in the run that is the number-th. */
static int evaluate_again(const struct run_setting *setting, const struct plan_made *made, const struct inputs *inputs,
                          struct run *run, unsigned number, const struct assessment *first, struct error *err)
{
    CLEANUP_ASSESSMENT struct assessment again = {.failed = false};
    int r = evaluate(setting, made, inputs, run, &again, err);

    if (r < 0 && err->kind == ERROR_GUEST)
        (void)error_prefix(err, "evaluation %u", number);
    return r < 0 ? r : compare(&first->evaluation_bytes, &again.evaluation_bytes, number, err);
}

int repeat_evaluation(const struct run_setting *setting, const struct plan_made *made, const struct inputs *inputs,
                      struct run *runs, unsigned count, struct assessment *assessment, struct error *err)
{
    int r = evaluate(setting, made, inputs, &runs[0], assessment, err);

    for (unsigned i = 1; r == 0 && i < count; i++)
        r = evaluate_again(setting, made, inputs, &runs[i], i + 1, assessment, err);
    return r;
}
