/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of sysfs, read within bounds. `sysfs` is a descriptor of /sys, or of a tree that a test has made;
 * paths are relative to it.
 */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_SYSFS_H
#define LAZARET_HOST_VM_PASSTHROUGH_SYSFS_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSFS_PATH_MAX 192u
#define SYSFS_NAME_MAX 32u /* of a driver, a class, a link */

/*
 * The text of an attribute without its final newline, ended with NUL. -EFBIG where it has `room` bytes or more,
 * -EBADMSG where it is not printable ASCII, another negative errno where it can't be read.
 */
MUST_USE int sysfs_read_text(int sysfs, const char *path, char *ret_text, size_t room);

/* A number, decimal or after "0x" hexadecimal, of at most `max`. -EBADMSG, or as above. */
MUST_USE int sysfs_read_number(int sysfs, const char *path, uint64_t max, uint64_t *ret_value);

/* The last component of what a symbolic link points to; -ENOENT where there is no link, -EBADMSG, -EFBIG. */
MUST_USE int sysfs_read_link(int sysfs, const char *path, char *ret_name, size_t room);

bool sysfs_exists(int sysfs, const char *path);

/* Writes an attribute in one call. 0 or -errno: what the kernel says to it. */
MUST_USE int sysfs_write(int sysfs, const char *path, const char *text);

#endif
