/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dm-verity's hash tree, made for a disk image: what the guest's kernel checks each block by as it reads it.
 *
 * Format: Linux, Documentation/admin-guide/device-mapper/verity.rst, version 1, with the fixed parameters of
 * boot/disk_argument.h. Level 0 holds the hashes of the data's blocks, each further level those of the level below it,
 * until one block is left, whose hash is the root. On the disk the topmost level comes first. It is what
 * `veritysetup format --no-superblock --salt=- --hash-offset=SIZE` makes.
 */
#ifndef LAZARET_HOST_VM_VERITY_H
#define LAZARET_HOST_VM_VERITY_H

#include "base/error.h"
#include "boot/disk_argument.h"

/*
 * Pads the file's content to whole blocks, writes the tree behind it, and tells blocks and root. `fd` is open for
 * reading and writing; errors name it `name`. ERROR_BAD_INPUT: empty, or larger than DISK_BLOCKS_MAX;
 * ERROR_UNAVAILABLE: it can't be read or written.
 */
MUST_USE int verity_append(int fd, const char *name, struct disk_argument *ret_argument, struct error *err);

#endif
