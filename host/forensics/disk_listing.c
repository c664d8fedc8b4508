/* SPDX-License-Identifier: Apache-2.0 */
/* Listing a disk by libguestfs. */
#include "host/forensics/disk_listing.h"

#include "host/forensics/disk_sums.h"
#include "host/forensics/guestfs_calls.h"
#include "host/json/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct appliance {
    struct guestfs_calls calls;
    guestfs_h *handle;
};

static int failed(const struct appliance *appliance, const char *what, struct error *err)
{
    const char *text = appliance->calls.last_error(appliance->handle);

    return error_set(err, ERROR_UNAVAILABLE, -EIO, "libguestfs can't %s: %s", what, text != NULL ? text : "?");
}

/* Boots the appliance with the disk, read-only on both levels. */
static int launch(struct appliance *appliance, const char *disk, struct error *err)
{
    const struct guestfs_calls *calls = &appliance->calls;

    appliance->handle = calls->create_flags(0);
    if (appliance->handle == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for libguestfs");
    calls->set_error_handler(appliance->handle, NULL, NULL); /* it would print */
    if (calls->set_backend(appliance->handle, "direct") < 0 ||
        calls->set_memsize(appliance->handle, DISK_LISTING_MEMORY) < 0 ||
        calls->set_recovery_proc(appliance->handle, 0) < 0 ||
        calls->add_drive_opts(appliance->handle, disk, GUESTFS_DRIVE_READONLY, 1, GUESTFS_DRIVE_FORMAT, "raw",
                              GUESTFS_DRIVE_END) < 0 ||
        calls->launch(appliance->handle) < 0)
        return failed(appliance, "start its appliance", err);
    if (calls->mount_options(appliance->handle, "ro,nosuid,nodev,noexec", "/dev/sda", "/") < 0)
        return failed(appliance, "mount the disk", err);
    return 0;
}

/* A disk_sums_size. */
static int64_t size_of(void *context, const char *path)
{
    const struct appliance *appliance = context;

    return appliance->calls.filesize(appliance->handle, path);
}

static int list(struct appliance *appliance, const char *sums_path, json_t **ret_listing, struct error *err)
{
    CLEANUP_JSON json_t *listing = json_object();
    FILE *sums;
    int r;

    if (appliance->calls.checksums_out(appliance->handle, "sha256", "/", sums_path) < 0)
        return failed(appliance, "hash the files", err);
    sums = fopen(sums_path, "re");
    if (sums == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", sums_path, strerror(errno));
    r = disk_sums_read(sums, size_of, appliance, listing);
    (void)fclose(sums);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a disk's listing");
    *ret_listing = TAKE_POINTER(listing);
    return 0;
}

int disk_listing_make(const char *disk, const char *sums, json_t **ret_listing, struct error *err)
{
    struct appliance appliance = {.handle = NULL};
    int r = guestfs_calls_load(&appliance.calls, err);

    if (r == 0)
        r = launch(&appliance, disk, err);
    if (r == 0)
        r = list(&appliance, sums, ret_listing, err);
    if (appliance.handle != NULL)
        (void)appliance.calls.shutdown(appliance.handle); /* the process ends: nothing is freed */
    return r;
}
