/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libguestfs's functions, loaded by who reads a scratch disk: few do, and it brings a hundred packages along. Its
 * header would too; what is declared here is of the C API, which libguestfs keeps compatible (guestfs(3), "ABI
 * GUARANTEE").
 */
#ifndef LAZARET_HOST_FORENSICS_GUESTFS_CALLS_H
#define LAZARET_HOST_FORENSICS_GUESTFS_CALLS_H

#include "base/error.h"

#include <stdint.h>

typedef struct guestfs_h guestfs_h;
typedef void guestfs_on_error(guestfs_h *handle, void *opaque, const char *text);

/* Optional arguments of add_drive_opts, each followed by its value; -1 ends the list. */
enum { GUESTFS_DRIVE_READONLY = 0 /* int */, GUESTFS_DRIVE_FORMAT = 1 /* const char * */, GUESTFS_DRIVE_END = -1 };

/* Result, name without guestfs_, parameters. 0 is success, NULL and -1 are failures, which last_error tells. */
#define GUESTFS_CALLS(CALL)                                                                                            \
    CALL(guestfs_h *, create_flags, (unsigned flags, ...))                                                             \
    CALL(const char *, last_error, (guestfs_h * handle))                                                               \
    CALL(void, set_error_handler, (guestfs_h * handle, guestfs_on_error * handler, void *opaque))                      \
    CALL(int, set_backend, (guestfs_h * handle, const char *backend))                                                  \
    CALL(int, set_memsize, (guestfs_h * handle, int mib))                                                              \
    CALL(int, set_recovery_proc, (guestfs_h * handle, int wanted))                                                     \
    CALL(int, add_drive_opts, (guestfs_h * handle, const char *path, ...))                                             \
    CALL(int, launch, (guestfs_h * handle))                                                                            \
    CALL(int, mount_options, (guestfs_h * handle, const char *options, const char *device, const char *folder))        \
    CALL(int, checksums_out, (guestfs_h * handle, const char *kind, const char *folder, const char *sums))             \
    CALL(int64_t, filesize, (guestfs_h * handle, const char *path))                                                    \
    CALL(int, shutdown, (guestfs_h * handle))

struct guestfs_calls {
#define GUESTFS_DECLARE(result, name, parameters) result(*name) parameters;
    GUESTFS_CALLS(GUESTFS_DECLARE)
#undef GUESTFS_DECLARE
};

/* Loads libguestfs for the rest of the process's life. ERROR_UNAVAILABLE where it is not installed. */
MUST_USE int guestfs_calls_load(struct guestfs_calls *ret_calls, struct error *err);

#endif
