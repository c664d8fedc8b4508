/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `lazaret batch --slurm`. */
#ifndef LAZARET_HOST_CLI_SLURM_OPTIONS_H
#define LAZARET_HOST_CLI_SLURM_OPTIONS_H

#include "host/cli/job_options.h"
#include "host/farm/slurm/slurm.h"
#include "host/farm/slurm/text.h"

struct cli_slurm {
    bool asked; /* --slurm */
    struct slurm_options options;
    char program[PATH_MAX];
};

#define CLI_SLURM_DEFAULTS                                                                                             \
    {                                                                                                                  \
        .options = {                                                                                                   \
            .node_key = SLURM_NODE_KEY_DEFAULT,                                                                        \
            .recheck_share = SLURM_SHARE_DEFAULT,                                                                      \
            .array_max = SLURM_ARRAY_DEFAULT,                                                                          \
        },                                                                                                             \
    }

#define CLI_SLURM_OPTIONS(s)                                                                                           \
    CLI_OPTION_FLAG("slurm", "on Slurm's nodes instead of this machine (docs/slurm.md)", &(s).asked),                  \
        CLI_OPTION_TEXT_OF("slurm", "shared", "DIR", "a directory that nodes see under this name (default: -o's)",     \
                           &(s).options.shared),                                                                       \
        CLI_OPTION_TEXT_OF("slurm", "node-key", "K.pem",                                                               \
                           "the nodes' signing key, on each of them; %n stands for its name (default: "                \
                           "" SLURM_NODE_KEY_DEFAULT ")",                                                              \
                           &(s).options.node_key),                                                                     \
        CLI_OPTION_TEXT_OF("slurm", "node-keys", "RING.yaml",                                                          \
                           "the nodes' public keys (default: those that the job's policy names)",                      \
                           &(s).options.node_keys),                                                                    \
        CLI_OPTION_TEXT_OF("slurm", "node-gpus", "FILE",                                                               \
                           "the nodes' GPUs by PCI address, a line a node (docs/slurm.md)", &(s).options.node_gpus),   \
        CLI_OPTION_NUMBER_OF("slurm", "recheck-share", "PERCENT",                                                      \
                             "of results that another node must confirm, drawn once they are in (default: 5)",         \
                             &(s).options.recheck_share, 0, 100),                                                      \
        CLI_OPTION_TEXT_OF("slurm", "node-program", "PATH",                                                            \
                           "lazaret on the nodes (default: as this one is called here)", &(s).options.program),        \
        CLI_OPTION_TEXT_OF("slurm", "node-state", "DIR",                                                               \
                           "LAZARET_STATE on the nodes (default: as here, where it is set)", &(s).options.state),      \
        CLI_OPTION_TEXT_OF("slurm", "partition", "NAME", "Slurm's partition", &(s).options.partition),                 \
        CLI_OPTION_TEXT_OF("slurm", "account", "NAME", "Slurm's account", &(s).options.account),                       \
        CLI_OPTION_NUMBER_OF("slurm", "array", "N", "jobs of one array at most (default: 100)",                        \
                             &(s).options.array_max, 1, SLURM_TASKS_MAX),                                              \
        CLI_OPTION_NUMBER_OF("slurm", "in-flight", "N",                                                                \
                             "jobs that Slurm is given at once (default: --workers, or 1000)",                         \
                             &(s).options.in_flight_max, 1, SLURM_IN_FLIGHT_MAX)

/*
 * Checks that they go together, with the options of the jobs too, and works out the defaults. ERROR_USAGE: what only a
 * machine's own workers can do.
 */
MUST_USE int cli_slurm_complete(struct cli_slurm *slurm, const struct cli_job *job, struct error *err);

#endif
