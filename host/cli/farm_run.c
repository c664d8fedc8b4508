/* SPDX-License-Identifier: Apache-2.0 */
/* Running a farm's workers from a command. */
#include "host/cli/farm_run.h"

#include "base/io.h"
#include "host/cli/options.h"
#include "host/farm/cost.h"
#include "host/farm/folder.h"
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
#define PAGES_SHARE      20u /* of the time is all that pages may take */

struct watch {
    const struct farm_run *run;
    struct database *database;
    bool terminal, warned;
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

/* Figures and pages are a view of the queue: where they can't be written the work goes on, and it is tried again. */
static void write_views(struct watch *watch, bool pages)
{
    struct error trouble = {0};
    int r = metrics_write(watch->run->folder, &watch->counts, &trouble);

    if (r == 0 && pages) {
        uint64_t begun = io_now_ns();

        r = write_pages(watch, &trouble);
        watch->next_pages = io_now_ns() + PAGES_SHARE * (io_now_ns() - begun);
        if (watch->next_pages < io_deadline_ms(PAGES_EVERY_MS))
            watch->next_pages = io_deadline_ms(PAGES_EVERY_MS);
    }
    if (r < 0 && !watch->warned)
        (void)cli_fail(&trouble); /* printed only */
    watch->warned = r < 0;
}

/* The connection lives for one look: workers are forked between looks, and none may cross a fork. */
static int look_at(struct watch *watch, bool last, struct error *err)
{
    uint64_t now = io_now_ns();
    int r = database_open(watch->run->folder, false, &watch->database, err);

    if (r == 0)
        r = queue_count(watch->database, &watch->counts, err);
    if (r == 0 && last)
        r = write_pages(watch, err);
    if (r == 0 && last)
        r = metrics_write(watch->run->folder, &watch->counts, err);
    if (r == 0 && !last && now >= watch->next_metrics) {
        watch->next_metrics = io_deadline_ms(METRICS_EVERY_MS);
        write_views(watch, now >= watch->next_pages);
    }
    database_close(TAKE_POINTER(watch->database));
    return r;
}

static int look(void *context, bool last, struct error *err)
{
    struct watch *watch = context;
    struct error trouble = {0};
    int r = look_at(watch, last, &trouble);

    notify_alive();
    if (r == 0 && watch->terminal)
        print_progress(&watch->counts);
    if (last && watch->terminal)
        (void)printf("\r\033[K");
    if (r < 0 && last)
        *err = trouble;
    return last ? r : 0;
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

    options.memory_is_given = run->memory_mib > 0;
    if (options.memory_is_given)
        options.machine.now.memory_mib = options.machine.whole.memory_mib = run->memory_mib;
    if (r == 0 && run->gpus != NULL)
        r = cost_add_devices(run->gpus, &options.machine, err);
    if (r == 0)
        r = look_at(&watch, false, err); /* a farm that is none is said before anything starts */
    if (r == 0) {
        folder_forget_dead_workers(run->folder);
        notify_ready();
        r = run->slurm != NULL ? slurm_run(run->slurm, &options, ret_stopped, err)
                               : pool_run(&options, ret_stopped, err);
    }
    *ret_counts = watch.counts;
    return r;
}
