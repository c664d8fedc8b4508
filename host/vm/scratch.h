/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scratch disk: the one thing that a guest may write, where the policy asks for it (`forensics`). A raw file with
 * an empty ext4, in the state directory, gone with its job.
 */
#ifndef LAZARET_HOST_VM_SCRATCH_H
#define LAZARET_HOST_VM_SCRATCH_H

#include "base/error.h"

#include <stdint.h>

#define SCRATCH_MIB_MIN 8u
#define SCRATCH_MIB_MAX 4096u

/*
 * Makes a disk of so many MiB at `path`, sparse, mode 0600, which must not exist; *ret_fd is the caller's, as is the
 * file. Runs mke2fs: not once the monitor is confined. ERROR_UNAVAILABLE where it is missing or the file can't be
 * written.
 */
MUST_USE int scratch_create(const char *path, uint64_t mib, int *ret_fd, struct error *err);

#endif
