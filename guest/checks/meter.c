/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time and progress. */
#include "guest/checks/meter.h"

#include "base/io.h"

#include <time.h>

uint64_t meter_cpu_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * IO_NS_PER_S + (uint64_t)now.tv_nsec;
}

void meter_start(struct meter *meter, const struct check_context *context, uint64_t total)
{
    *meter = (struct meter){.context = context, .total = total, .reported_ns = io_now_ns()};
}

int meter_add(struct meter *meter, uint64_t count, struct error *err)
{
    const struct check_context *context = meter->context;
    uint64_t now = io_now_ns();
    struct message message = {.type = MESSAGE_PROGRESS};

    meter->done += count;
    if (meter->done < meter->total && now - meter->reported_ns < METER_REPORT_MS * IO_NS_PER_MS)
        return 0;
    meter->reported_ns = now;
    message.progress.check = context->index;
    message.progress.done = meter->done;
    message.progress.total = meter->total;
    return context->sink.send(context->sink.argument, &message, err);
}
