/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job's scratch disk: made where the policy says `forensics` and there is a VM, given to the first run, read where
 * the job ends badly, and gone with the job.
 */
#ifndef LAZARET_HOST_JOB_SCRATCH_DISK_H
#define LAZARET_HOST_JOB_SCRATCH_DISK_H

#include "host/forensics/disk_reader.h"
#include "host/job/staging.h"

#include <limits.h>

struct scratch_disk {
    char path[PATH_MAX]; /* in the staging folder, which the janitor removes; "" where there is none */
    int fd;
    struct disk_reader *reader;
};

/* Makes a disk of so many MiB and starts its reader; before the monitor is confined. ERROR_UNAVAILABLE. */
MUST_USE int scratch_disk_start(struct scratch_disk *ret_disk, const struct staging *staging, unsigned mib,
                                struct error *err);

/*
 * What the guest left: {"files":…}, or {"error": TEXT} where it can't be read, as a report without it is better than no
 * report. A new reference, or NULL where there is no disk. After the VM's end.
 */
json_t *scratch_disk_read(struct scratch_disk *disk);

/* Removes the disk and ends its reader. */
void scratch_disk_stop(struct scratch_disk *disk);

#endif
