/* SPDX-License-Identifier: Apache-2.0 */
/* Where the windows of one run come from: the data reader, or test inputs that the host holds (recheck.h). */
#ifndef LAZARET_HOST_JOB_INPUTS_H
#define LAZARET_HOST_JOB_INPUTS_H

#include "host/data/reader.h"
#include "wire/plan.h"

struct inputs { /* all borrowed */
    struct data_reader *reader;
    const float *test;                         /* the plan's test set, whole; NULL: the reader's */
    const int32_t *train_labels, *test_labels; /* one a sample; NULL where the plan's set has none */
};

/* Samples [first, first + count) of the plan's set, as data_reader_window() gives them. */
MUST_USE int inputs_window(const struct inputs *inputs, const struct plan *plan, enum plan_set_id id, uint64_t first,
                           uint32_t count, float *ret_x, uint64_t deadline_ns, struct error *err);

#endif
