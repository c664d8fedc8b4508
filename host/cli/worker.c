/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret worker: works on a farm's queue for as long as it is let. */
#include "host/cli/commands.h"
#include "host/cli/farm_run.h"
#include "host/cli/farm_settings.h"
#include "host/farm/folder.h"
#include "host/farm/notify.h"
#include "host/farm/pool.h"
#include "host/json/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A farm of Slurm's nodes alone has none: what is evaluated here would be signed by nobody that it knows. */
static int check_key(const char *folder, struct error *err)
{
    char path[PATH_MAX];
    int r = folder_path(folder, FOLDER_KEY, path, err);

    if (r == 0 && access(path, F_OK) < 0)
        r = error_set(
            err, ERROR_NO_INPUT, -errno,
            "%s: %s; a farm on Slurm goes on by `lazaret batch --slurm`, another one is begun by `lazaret batch`", path,
            strerror(errno));
    return r;
}

static int run(struct farm_run *order, const char *path, struct error *err)
{
    CLEANUP_JSON json_t *none = json_array();
    struct queue_counts counts;
    char folder[PATH_MAX];
    bool stopped = false;
    int r = none == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory") : folder_find(path, folder, err);

    if (r == 0)
        r = check_key(folder, err);
    if (r == 0)
        r = farm_fix_state(err);
    if (r < 0)
        return r;
    order->folder = folder;
    order->bad.texts = none;
    r = farm_run(order, &counts, &stopped, err);
    notify_stopping();
    return r;
}

int cli_worker(int argc, char **argv)
{
    struct farm_run order = {.workers = 1, .quiet = true};
    const struct cli_option options[] = {
        CLI_OPTION_NUMBER("workers", "N", "jobs at once, as far as processors and memory go (default: 1)",
                          &order.workers, 1, POOL_WORKERS_MAX),
        CLI_OPTION_NUMBER("memory-of-all", "MIB", "what jobs may take together (default: what is available)",
                          &order.memory_mib, 1, UINT64_C(1) << 30),
        CLI_OPTION_TEXT("gpu", "PCI,...", "the GPUs that jobs with \"gpu\": true may have, one each", &order.gpus),
        CLI_OPTION_FLAG("force", "evaluate although the same content has been evaluated", &order.force),
    };
    const struct cli_command command = {
        .usage = "lazaret worker DIR [--workers N]",
        .purpose =
            "Takes jobs off the queue of the farm in DIR, those that are added meanwhile too (`lazaret batch "
            "--add`),\nuntil SIGTERM: then the jobs at hand end first. For a service: docs/farm.md has the unit.",
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
    if (r == 0)
        r = run(&order, operands[0], &error);
    return r < 0 ? cli_fail(&error) : 0;
}
