/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slurm's command line programs, run without a shell, within a time and with bounded output.
 *
 * libslurm is not linked: its interface changes with each release and has to be of the cluster's own, it is under the
 * GPL, and it parses what the network says in the process that calls it. The programs are what the cluster's own users
 * have, and a program that hangs or lies is one that can be killed.
 */
#ifndef LAZARET_HOST_FARM_SLURM_TOOL_H
#define LAZARET_HOST_FARM_SLURM_TOOL_H

#include "base/buffer.h"
#include "base/error.h"

#define SLURM_TOOL_SECONDS    60u /* that a program may take: slurmctld may be busy */
#define SLURM_TOOL_OUTPUT_MAX ((size_t)16 << 20)

/*
 * Runs argv[0], found in $PATH, with `input` as its standard input, and appends what it prints. Of the environment it
 * sees $PATH, $HOME, $USER, $LOGNAME, $SLURM_CONF and $SLURM_JWT alone, so that nobody's SBATCH_… changes what is asked
 * for. ERROR_UNAVAILABLE: it is not installed (-ENOENT), failed (-EREMOTEIO, with the last line of its standard error),
 * took too long (-ETIMEDOUT) or said too much (-EMSGSIZE).
 */
MUST_USE int slurm_tool_run(const char *const *argv, const void *input, size_t input_size, struct buffer *ret_output,
                            struct error *err);

#endif
