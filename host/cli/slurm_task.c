/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret slurm-task: what Slurm runs on a node for `lazaret batch --slurm`. */
#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/farm/slurm/slurm.h"

#include <errno.h>

int cli_slurm_task(int argc, char **argv)
{
    struct slurm_task_options task = {.key = SLURM_NODE_KEY_DEFAULT};
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("sha256", "HEX", "of ORDERS.json, as the controller wrote it", &task.sha256),
        CLI_OPTION_TEXT("key", "K.pem",
                        "this node's signing key, or pkcs11:URI; %n stands for the node's name (default: "
                        "" SLURM_NODE_KEY_DEFAULT ")",
                        &task.key),
    };
    const struct cli_command command = {
        .usage = "lazaret slurm-task DIR/orders/ARRAY.json --sha256 HEX [--key K.pem]",
        .purpose = "One task of an array that `lazaret batch --slurm` submitted: evaluates the job of "
                   "$SLURM_ARRAY_TASK_ID and\nleaves the result, signed by this node, in the shared directory "
                   "(docs/slurm.md). sbatch's script runs it.",
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
    if (r == 0 && task.sha256 == NULL)
        r = error_set(&error, ERROR_USAGE, -EINVAL, "--sha256 HEX is missing: sbatch's script has it");
    task.orders = r == 0 ? operands[0] : NULL;
    if (r == 0)
        r = slurm_task_run(&task, &error);
    return r < 0 ? cli_fail(&error) : 0;
}
