/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret status: how a farm stands, once or over and over; and lazaret cancel. */
#include "host/cli/commands.h"
#include "host/cli/farm_run.h"
#include "host/cli/options.h"
#include "host/cli/slurm_status.h"
#include "host/farm/clock.h"
#include "host/farm/folder.h"
#include "host/json/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define RUNNING_SHOWN 20u

struct status {
    bool json, watch;
    unsigned shown;
};

static void print_rate(const struct queue_counts *counts)
{
    uint64_t left = farm_seconds_left(counts);
    char text[FARM_TIME_SIZE];

    (void)printf("rate:    %" PRIu64 " jobs ended in the last %d minutes", counts->lately, QUEUE_RATE_SECONDS / 60);
    if (left > 0) {
        farm_format_seconds(left, text);
        (void)printf("; some %s left", text);
    }
    (void)printf("\n");
}

static int print_running(void *context, const struct queue_row *row, struct error *err)
{
    struct status *status = context;
    int64_t since = (int64_t)time(NULL) - row->started;
    char text[FARM_TIME_SIZE];

    (void)err;
    if (status->shown++ >= RUNNING_SHOWN)
        return 0;
    farm_format_seconds(since > 0 ? (uint64_t)since : 0, text);
    (void)printf("  %-32s %10s  %6" PRIu64 " MiB  attempt %d\n", row->id, text, row->needs.memory_mib,
                 row->attempts + 1);
    return 0;
}

static int print_text(struct status *status, struct database *database, struct error *err)
{
    struct queue_counts counts;
    int r = queue_count(database, &counts, err);

    if (r < 0)
        return r;
    (void)printf("jobs:    ");
    farm_print_counts(&counts);
    (void)printf("\n");
    print_rate(&counts);
    r = cli_slurm_status(database, false, err);
    if (r < 0)
        return r;
    if (counts.states[QUEUE_RUNNING] == 0)
        return 0;
    (void)printf("running:\n");
    status->shown = 0;
    r = queue_each(database, true, print_running, status, err);
    if (status->shown > RUNNING_SHOWN)
        (void)printf("  and %u more\n", status->shown - RUNNING_SHOWN);
    return r;
}

static int print_json(struct database *database, struct error *err)
{
    struct queue_counts counts;
    int r = queue_count(database, &counts, err);

    if (r < 0)
        return r;
    (void)printf("{\"counts\":{");
    for (unsigned i = 0; i < QUEUE_STATE_COUNT; i++)
        (void)printf("%s\"%s\":%" PRIu64, i == 0 ? "" : ",", queue_state_names[i], counts.states[i]);
    (void)printf("},\"endedLately\":%" PRIu64 ",\"format\":1,\"reused\":%" PRIu64 ",\"secondsLeft\":%" PRIu64
                 ",\"verdicts\":{",
                 counts.lately, counts.reused, farm_seconds_left(&counts));
    for (unsigned i = 0; i < OUTCOME_COUNT; i++)
        (void)printf("%s\"%s\":%" PRIu64, i == 0 ? "" : ",", outcome_names[i], counts.outcomes[i]);
    (void)printf("}");
    r = cli_slurm_status(database, true, err);
    (void)printf("}\n");
    return r;
}

static int run(struct status *status, const char *path, struct error *err)
{
    const struct timespec pause = {.tv_sec = 1};
    CLEANUP_DATABASE struct database *database = NULL;
    char folder[PATH_MAX];
    int r = folder_find(path, folder, err);

    if (r == 0)
        r = database_open(folder, false, &database, err);
    while (r == 0) {
        if (status->watch)
            (void)printf("\033[H\033[J");
        r = status->json ? print_json(database, err) : print_text(status, database, err);
        if (r < 0 || !status->watch || fflush(stdout) != 0)
            break;
        (void)nanosleep(&pause, NULL);
    }
    return r;
}

int cli_status(int argc, char **argv)
{
    struct status status = {0};
    const struct cli_option options[] = {
        CLI_OPTION_FLAG("json", "for programs", &status.json),
        CLI_OPTION_FLAG("watch", "again every second, until interrupted", &status.watch),
    };
    const struct cli_command command = {
        .usage = "lazaret status DIR [--watch | --json]",
        .purpose = "How the farm in DIR stands: jobs by state and verdict, rate, time left, and what runs.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *operands[CLI_OPERANDS_MAX];
    enum cli_parse parse;
    struct error error = {0};
    unsigned operand_count;
    int r = cli_options_parse(&command, argc, argv, operands, &operand_count, &parse, &error);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && status.json && status.watch)
        r = error_set(&error, ERROR_USAGE, -EINVAL, "--json and --watch exclude one another");
    if (r == 0)
        r = run(&status, operands[0], &error);
    return r < 0 ? cli_fail(&error) : 0;
}

/* --- cancel --------------------------------------------------------------------------------------------------------
 */

static int cancel_all(const char *const *operands, unsigned count, struct error *err)
{
    CLEANUP_DATABASE struct database *database = NULL;
    char folder[PATH_MAX];
    int r = folder_find(operands[0], folder, err);

    if (r == 0)
        r = database_open(folder, false, &database, err);
    for (unsigned i = 1; r >= 0 && i < count; i++) {
        r = queue_cancel(database, operands[i], err);
        if (r >= 0)
            (void)printf("%s: %s\n", operands[i], r == 1 ? "canceled" : "has ended already");
    }
    return r < 0 ? r : 0;
}

int cli_cancel(int argc, char **argv)
{
    const struct cli_command command = {
        .usage = "lazaret cancel DIR ID...",
        .purpose =
            "Cancels jobs of the farm in DIR: those that wait, and those that run, which are ended within seconds.",
        .operands_min = 2,
        .operands_max = CLI_OPERANDS_MAX,
    };
    const char *operands[CLI_OPERANDS_MAX];
    enum cli_parse parse;
    struct error error = {0};
    unsigned operand_count;
    int r = cli_options_parse(&command, argc, argv, operands, &operand_count, &parse, &error);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0)
        r = cancel_all(operands, operand_count, &error);
    return r < 0 ? cli_fail(&error) : 0;
}
