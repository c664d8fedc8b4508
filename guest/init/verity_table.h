/* SPDX-License-Identifier: Apache-2.0 */
/* The line by which the kernel's device mapper is told to verify a disk. */
#ifndef LAZARET_GUEST_INIT_VERITY_TABLE_H
#define LAZARET_GUEST_INIT_VERITY_TABLE_H

#include "boot/disk_argument.h"

#define VERITY_TABLE_SIZE 256u

/*
 * The parameters of a `verity` target whose data and hash tree are on `device` ("/dev/vda"). A block that is not what
 * the tree says ends the guest at once (panic_on_corruption): nothing that is not verified gets to run, and nothing
 * goes on without it. -EFBIG where the device's name is too long. Source: Linux, admin-guide/device-mapper/verity.rst.
 */
MUST_USE int verity_table_format(const struct disk_argument *argument, const char *device,
                                 char ret_table[VERITY_TABLE_SIZE]);

#endif
