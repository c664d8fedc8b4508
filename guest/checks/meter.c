/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time and progress. */
#include "guest/checks/meter.h"

#include "base/io.h"

#include <time.h>

uint64_t meter_cpu_ns(void)
{
    struct timespec now = {0};

    /* SYSTEM-CALL worker clock_gettime [0 == CLOCK_PROCESS_CPUTIME_ID]: CPU time for the figures */
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * IO_NS_PER_S + (uint64_t)now.tv_nsec;
}

void meter_start(struct meter *meter, const struct check_context *context, uint64_t total)
{
    *meter = (struct meter){.context = context, .total = total, .reported_ns = io_now_ns()};
}

/* Reports grow rarer, so that even a check of days stays within what the protocol allows. */
static bool is_time(const struct meter *meter, uint64_t now)
{
    uint64_t wait = METER_REPORT_MS * IO_NS_PER_MS * (1 + meter->reports / METER_REPORTS_PER_STEP);

    return now - meter->reported_ns >= wait;
}

int meter_add(struct meter *meter, uint64_t count, struct error *err)
{
    const struct check_context *context = meter->context;
    uint64_t now = io_now_ns();
    struct message message = {.type = MESSAGE_PROGRESS};

    meter->done += count;
    if (!is_time(meter, now) && (count == 0 || meter->done < meter->total))
        return 0;
    meter->reported_ns = now;
    meter->reports++;
    message.progress.check = context->index;
    message.progress.done = meter->done;
    message.progress.total = meter->total;
    return context->sink.send(context->sink.argument, &message, err);
}
