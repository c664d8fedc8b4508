/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The read-only disk of the image's variant for a GPU: the dynamic agent, the libraries it needs and the vendor's
 * driver.
 *
 * Theory of operation. The initramfs holds the static agent only. Where the kernel's command line names a disk
 * (boot/disk_argument.h), the static agent as PID 1 has the device mapper verify it by the root hash that stands there,
 * mounts it, makes it its root, and becomes the dynamic agent that is on it. That one, still PID 1, loads the modules
 * of the vendor's driver from the disk, and goes on as any agent does. A block of the disk that is not what the root
 * hash says panics the kernel as it is read, whenever that is, which ends the VM.
 */
#ifndef LAZARET_GUEST_INIT_DISK_H
#define LAZARET_GUEST_INIT_DISK_H

#include "base/error.h"

#include <stdbool.h>

#define DISK_FOLDER       "/disk" /* in the initramfs; images/gpu-disk names it to the firmware loader too */
#define DISK_AGENT        "/usr/lib/lazaret/agent"
#define DISK_CACHE        "/cache" /* the driver's own memory, which its sandbox names too (guest/sandbox/driver.h) */
#define DISK_LIBRARY_PATH "/usr/lib/lazaret/library-path" /* folders with colons between, for the dynamic loader */

/* The one argument of PID 1 that was started from the disk. */
#define DISK_ARGUMENT_ENTERED "--from-disk"

/*
 * After init_prepare(): nothing to do where the command line names no disk. Else it returns only if it fails, and
 * ERROR_INTERNAL says at which step.
 */
MUST_USE int disk_enter(struct error *err);

/*
 * In place of init_prepare(), in the agent that was started from the disk: loads the driver's modules where the machine
 * has a GPU, and lets workers open its device nodes. ERROR_INTERNAL names what failed.
 */
MUST_USE int disk_prepare(struct error *err);

#endif
