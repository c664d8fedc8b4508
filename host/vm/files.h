/* SPDX-License-Identifier: Apache-2.0 */
/* Small whole files: read, written new, copied from folder to folder. */
#ifndef LAZARET_HOST_VM_FILES_H
#define LAZARET_HOST_VM_FILES_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Reads a file of fewer than `room` bytes and ends it with NUL; what does not fit is an error. */
MUST_USE int files_read_text(const char *path, char *ret_text, size_t room, struct error *err);

/* Writes a file that must not exist yet, 0644, and syncs nothing. */
MUST_USE int files_write_new(int folder_fd, const char *name, const void *data, size_t size, struct error *err);

/*
 * Copies the regular files of one folder whose names end in `suffix` into another, each appearing
 * whole (temporary name, rename) and with its time of change; those larger than `size_max`, and
 * those of the same size and time there, are left out. 0 or -errno.
 */
MUST_USE int files_copy_folder(int from_fd, int to_fd, const char *suffix, uint64_t size_max);

/* Copies the rest of one descriptor to another, at most size_max bytes; -EFBIG beyond. */
MUST_USE int files_copy_data(int from_fd, int to_fd, uint64_t size_max);

#endif
