/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time, and progress that is reported now and then. Neither has any influence on results. */
#ifndef LAZARET_GUEST_CHECKS_METER_H
#define LAZARET_GUEST_CHECKS_METER_H

#include "guest/checks/check.h"

#define METER_REPORT_MS        250u  /* at least this long between two reports, */
#define METER_REPORTS_PER_STEP 1000u /* and this much longer after each so many */

/* CPU time of all the process's threads, in nanoseconds. */
uint64_t meter_cpu_ns(void);

struct meter {
    const struct check_context *context;
    uint64_t done, total; /* inputs, over all passes of the check */
    uint64_t reported_ns, reports;
};

void meter_start(struct meter *meter, const struct check_context *context, uint64_t total);

/* Counts `count` more inputs (0: only shows that work goes on); sends PROGRESS when it is time, and at the end. */
MUST_USE int meter_add(struct meter *meter, uint64_t count, struct error *err);

#endif
