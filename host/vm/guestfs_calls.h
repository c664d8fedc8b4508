/* SPDX-License-Identifier: Apache-2.0 */
/* libguestfs's functions, loaded by who reads a scratch disk: as few as need it, and it brings a hundred packages along. */
#ifndef LAZARET_HOST_VM_GUESTFS_CALLS_H
#define LAZARET_HOST_VM_GUESTFS_CALLS_H

#include "base/error.h"

#include <guestfs.h>

#define GUESTFS_CALLS(CALL)                                                                                            \
    CALL(guestfs_add_drive_opts)                                                                                       \
    CALL(guestfs_checksums_out)                                                                                        \
    CALL(guestfs_create_flags)                                                                                         \
    CALL(guestfs_filesize)                                                                                             \
    CALL(guestfs_last_error)                                                                                           \
    CALL(guestfs_launch)                                                                                               \
    CALL(guestfs_mount_options)                                                                                        \
    CALL(guestfs_set_backend)                                                                                          \
    CALL(guestfs_set_error_handler)                                                                                    \
    CALL(guestfs_set_memsize)                                                                                          \
    CALL(guestfs_set_recovery_proc)                                                                                    \
    CALL(guestfs_shutdown)

/* Each under its own name, with its own type. */
struct guestfs_calls {
#define GUESTFS_DECLARE(name) __typeof__(name) *name;
    GUESTFS_CALLS(GUESTFS_DECLARE)
#undef GUESTFS_DECLARE
};

/* Loads libguestfs for the rest of the process's life. ERROR_UNAVAILABLE where it is not installed. */
MUST_USE int guestfs_calls_load(struct guestfs_calls *ret_calls, struct error *err);

#endif
