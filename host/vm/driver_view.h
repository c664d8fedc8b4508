/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent with a device's driver sees of the host under process isolation, beside its own root. */
#ifndef LAZARET_HOST_VM_DRIVER_VIEW_H
#define LAZARET_HOST_VM_DRIVER_VIEW_H

#include "base/error.h"

#define DRIVER_VIEW_CACHE "/cache" /* in the agent's root: memory of the job, for what a driver compiles */

/* The nodes of GPUs in the host's /dev, to be shown below `stage`, for anyone: nobody else sees that folder. */
MUST_USE int driver_view_nodes(const char *stage, struct error *err);

/*
 * Below `root`: the system's libraries and compilers, the drivers' list and settings, and /sys, all of it read-only as
 * the job's view of the host is; and the cache.
 */
MUST_USE int driver_view_build(const char *root, struct error *err);

#endif
