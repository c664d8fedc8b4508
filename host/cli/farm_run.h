/* SPDX-License-Identifier: Apache-2.0 */
/* Running a farm's workers from a command: progress, the farm's pages, and how it all ended. */
#ifndef LAZARET_HOST_CLI_FARM_RUN_H
#define LAZARET_HOST_CLI_FARM_RUN_H

#include "base/error.h"
#include "host/farm/slurm/slurm.h"
#include "host/farm/summary.h"

#include <stdbool.h>
#include <stdint.h>

struct farm_run {
    const char *folder; /* absolute */
    uint64_t workers;
    uint64_t memory_mib; /* that jobs may take together; 0: what is available */
    const char *gpus;    /* that jobs may have, one each: "PCI,PCI…"; NULL: none */
    const struct slurm_options *slurm; /* NULL: workers of this machine */
    bool force, until_empty, quiet;
    struct bad_lines bad;
};

/* Runs, and writes index, summary and metrics as it goes. *ret_counts is how the farm stands; *ret_stopped: by a
 * signal. */
MUST_USE int farm_run(const struct farm_run *run, struct queue_counts *ret_counts, bool *ret_stopped,
                      struct error *err);

/* One line of how the farm stands: "12 passed, 3 rejected, 5 queued". */
void farm_print_counts(const struct queue_counts *counts);

/* A time for people: "1 h 20 min", "45 s". */
#define FARM_TIME_SIZE 32u
void farm_format_seconds(uint64_t seconds, char ret_text[FARM_TIME_SIZE]);

/* Seconds until the queue is empty at the rate of late; 0 where nothing tells. */
uint64_t farm_seconds_left(const struct queue_counts *counts);

#endif
