/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile of a worker with a device's driver: what such a driver and its compiler need, beside the worker's own.
 *
 * Until its seal, and before it reads of the model, the worker may read the system's libraries, open the devices'
 * nodes, start threads and the compiler's programs, and write below one folder. From the seal on it has the threads,
 * devices and libraries that it has: it starts no program, opens nothing for writing but devices, and maps nothing
 * executable. The supervisor of such an agent inherits what its workers may do; that of lazaret-agent never has any of
 * it.
 */
#ifndef LAZARET_GUEST_SANDBOX_DRIVER_H
#define LAZARET_GUEST_SANDBOX_DRIVER_H

#include "base/error.h"

/* The folder that drivers keep compiled programs in; the first that is there and may be written to. */
#define DRIVER_CACHE_FIRST  "/cache"
#define DRIVER_CACHE_SECOND "/tmp"
const char *driver_cache(void);

/*
 * What a driver may take besides what the job may: memory of its own that can be written, counted as it is mapped, its
 * threads' stacks and its compiler among it. PoCL's is 175 MiB on two processors, and a stack more for each.
 */
#define DRIVER_DATA_MAX (UINT64_C(4) << 30)

/* sandbox_guard() of an agent with a driver. */
MUST_USE int sandbox_guard_with_driver(int scratch_fd, struct error *err);

#endif
