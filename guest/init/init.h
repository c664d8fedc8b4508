/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent does as PID 1 of the VM: mounts, kernel modules, and the end of the VM.
 *
 * The image's kernel command line has `panic=-1`, and the VM does not reboot: whatever PID 1 dies
 * of, the kernel panics, resets at once, and the VM is gone.
 */
#ifndef LAZARET_GUEST_INIT_H
#define LAZARET_GUEST_INIT_H

#include "base/error.h"

#include <stdbool.h>

/* The list that images/build writes: one module file name a line, in the order to load them. */
#define INIT_MODULE_FOLDER "/lib/modules"
#define INIT_MODULE_LIST   INIT_MODULE_FOLDER "/order"
/* Likewise, for the scratch disk. */
#define INIT_SCRATCH_LIST INIT_MODULE_FOLDER "/scratch"
#define INIT_SCRATCH      "/scratch"
#define INIT_GROUPS       "/sys/fs/cgroup"
/* Where the host puts the disks that a VM may have (host/vm/domain.c): the scratch disk, the image's own. */
#define INIT_SCRATCH_DEVICE "/sys/bus/pci/devices/0000:00:11.0"
#define INIT_DISK_DEVICE    "/sys/bus/pci/devices/0000:00:12.0"
#define INIT_MODULE_MAX     64u
#define INIT_NAME_MAX       64u

/* Whether this process is PID 1 of a VM made by images/build (and not of a PID namespace). */
bool init_is_vm(void);

/*
 * Mounts /dev, /proc, /sys and a /tmp of at most a quarter of memory; makes /dev/console standard
 * input, output and error where they are not open; loads the modules of INIT_MODULE_LIST, in its
 * order. Call it once, first. ERROR_INTERNAL names the mount or module that failed.
 */
MUST_USE int init_prepare(struct error *err);

/*
 * Loads the modules of INIT_MODULE_LIST as that of a disk which is the root by now (disk.h), each but for those that
 * find no device: what is missing then shows where the device is asked for.
 */
MUST_USE int init_load_drivers(struct error *err);

/*
 * Mounts the scratch disk, where the VM has one, at INIT_SCRATCH and opens that folder: 0 and a descriptor that the
 * caller closes, or 0 and -1 where there is no such disk. ERROR_INTERNAL names what failed.
 */
MUST_USE int init_mount_scratch(int *ret_folder_fd, struct error *err);

/*
 * Writes back what is on the scratch disk, so that it survives the end of the VM. It stays mounted, as the
 * supervisor can't unmount by then: marked as not clean, and whole.
 */
void init_save_scratch(void);

/* Mounts the control groups' hierarchy (version 2) at INIT_GROUPS. Whether the kernel has it. */
bool init_mount_groups(void);

/*
 * Ends the VM: powers it off, or resets it if that fails, or panics if that fails too. In a process
 * that is not PID 1 of a VM it only ends the process.
 */
_Noreturn void init_power_off(void);

#endif
