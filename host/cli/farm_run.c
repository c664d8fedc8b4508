/* SPDX-License-Identifier: Apache-2.0 */
/* Running a farm's workers from a command. */
#include "host/cli/farm_run.h"

#include "base/io.h"
#include "host/farm/cost.h"
#include "host/farm/index.h"
#include "host/farm/metrics.h"
#include "host/farm/notify.h"
#include "host/farm/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define METRICS_EVERY_MS 5000u
#define PAGES_EVERY_MS   60000u

struct watch {
    const struct farm_run *run;
    struct database *database;
    bool terminal;
    uint64_t next_metrics, next_pages;
    struct queue_counts counts;
};

void farm_format_seconds(uint64_t seconds, char ret_text[FARM_TIME_SIZE])
{
    if (seconds >= 86400)
        (void)snprintf(ret_text, FARM_TIME_SIZE, "%" PRIu64 " d %" PRIu64 " h", seconds / 86400,
                       seconds % 86400 / 3600);
    else if (seconds >= 3600)
        (void)snprintf(ret_text, FARM_TIME_SIZE, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600, seconds % 3600 / 60);
    else if (seconds >= 60)
        (void)snprintf(ret_text, FARM_TIME_SIZE, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
    else
        (void)snprintf(ret_text, FARM_TIME_SIZE, "%" PRIu64 " s", seconds);
}

uint64_t farm_seconds_left(const struct queue_counts *counts)
{
    uint64_t left = counts->states[QUEUE_QUEUED] + counts->states[QUEUE_RUNNING];
    int64_t since = (int64_t)time(NULL) - counts->first_start;
    uint64_t span =
        counts->first_start > 0 && since > 0 && since < QUEUE_RATE_SECONDS ? (uint64_t)since : QUEUE_RATE_SECONDS;

    return counts->lately == 0 ? 0 : left * span / counts->lately;
}

void farm_print_counts(const struct queue_counts *counts)
{
    const char *separator = "";

    for (unsigned i = 0; i < OUTCOME_COUNT; i++)
        if (counts->outcomes[i] > 0) {
            (void)printf("%s%" PRIu64 " %s", separator, counts->outcomes[i], outcome_names[i]);
            separator = ", ";
        }
    for (unsigned i = 0; i < QUEUE_STATE_COUNT; i++)
        if (counts->states[i] > 0 && (i == QUEUE_QUEUED || i == QUEUE_RUNNING || i == QUEUE_ABORTED)) {
            (void)printf("%s%" PRIu64 " %s", separator, counts->states[i], queue_state_names[i]);
            separator = ", ";
        }
    if (counts->total == 0)
        (void)printf("no jobs");
}

static void print_progress(const struct queue_counts *counts)
{
    uint64_t left = farm_seconds_left(counts);
    char text[FARM_TIME_SIZE];

    (void)printf("\r\033[K");
    farm_print_counts(counts);
    if (left > 0) {
        farm_format_seconds(left, text);
        (void)printf("; some %s left", text);
    }
    (void)fflush(stdout);
}

static int write_pages(struct watch *watch, struct error *err)
{
    int r = index_write(watch->run->folder, watch->database, watch->run->bad.count, err);

    return r < 0 ? r : summary_write(watch->run->folder, watch->database, &watch->run->bad, err);
}

/* Pages take time with many jobs: they are written now and then, and at the end. */
static int look(void *context, bool last, struct error *err)
{
    struct watch *watch = context;
    uint64_t now = io_now_ns();
    int r = queue_count(watch->database, &watch->counts, err);

    notify_alive();
    if (r == 0 && watch->terminal)
        print_progress(&watch->counts);
    if (r == 0 && (last || now >= watch->next_metrics)) {
        watch->next_metrics = io_deadline_ms(METRICS_EVERY_MS);
        r = metrics_write(watch->run->folder, &watch->counts, err);
    }
    if (r == 0 && (last || now >= watch->next_pages)) {
        r = write_pages(watch, err);
        watch->next_pages = io_deadline_ms(PAGES_EVERY_MS);
    }
    if (last && watch->terminal)
        (void)printf("\r\033[K");
    return r;
}

int farm_run(const struct farm_run *run, struct queue_counts *ret_counts, bool *ret_stopped, struct error *err)
{
    struct watch watch = {.run = run, .terminal = !run->quiet && isatty(STDOUT_FILENO)};
    struct pool_options options = {
        .folder = run->folder,
        .workers = (unsigned)run->workers,
        .force = run->force,
        .until_empty = run->until_empty,
        .look = look,
        .context = &watch,
    };
    int r = cost_of_machine(&options.machine, err);

    if (run->memory_mib > 0)
        options.machine.memory_mib = run->memory_mib;
    if (r == 0)
        r = database_open(run->folder, false, &watch.database, err);
    if (r == 0) {
        notify_ready();
        r = pool_run(&options, ret_stopped, err);
    }
    database_close(watch.database);
    *ret_counts = watch.counts;
    return r;
}
