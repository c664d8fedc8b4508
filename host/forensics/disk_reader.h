/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that reads what a guest left on its scratch disk.
 *
 * It waits beside the monitor, which once a guest runs may start no program itself. Asked, it makes a child in
 * namespaces of its own (PID, mount, network, IPC), where the disk, the appliance's cache and little else is to be
 * seen, gives up root, and has libguestfs list the files. The untrusted file system is read by the kernel of the
 * appliance, which is a VM. The first time it also builds the appliance in $LAZARET_STATE/cache/appliance: some 400 MB,
 * half a minute.
 */
#ifndef LAZARET_HOST_FORENSICS_DISK_READER_H
#define LAZARET_HOST_FORENSICS_DISK_READER_H

#include "base/error.h"

#include <jansson.h>

#define DISK_READER_DEADLINE_MS 300000u

struct disk_reader;

/*
 * Starts the process for the disk at `path`; `recipe` is images/appliance-kernel. Call before the process has threads.
 * ERROR_UNAVAILABLE where not root, or libguestfs is not installed: with the remedy, before anything boots.
 */
MUST_USE int disk_reader_start(const char *path, const char *recipe, struct disk_reader **ret_reader,
                               struct error *err);

/* Reads the disk, whose VM is gone: disk_listing_make()'s object, the caller's. ERROR_UNAVAILABLE; ERROR_INTERNAL. */
MUST_USE int disk_reader_read(struct disk_reader *reader, json_t **ret_listing, struct error *err);

/* Ends the process and all of its own; NULL is fine. */
void disk_reader_free(struct disk_reader *reader);

#endif
