/* SPDX-License-Identifier: Apache-2.0 */
/* Listing a disk by libguestfs. */
#include "host/forensics/disk_listing.h"

#include "base/buffer.h"
#include "digest/sha256.h"
#include "host/attest/text.h"
#include "host/forensics/guestfs_calls.h"
#include "host/json/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE_MAX 8192u /* of checksums: a digest, two characters, a path */
#define LINE_PREFIX   (SHA256_HEX_SIZE - 1 + 2)

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

/*
 * "DIGEST  ./PATH"; a first "\" says that "\\" and "\n" stand in the path for themselves (coreutils, sha256sum), which
 * leaves them as they are shown. Anything else is passed over, as an entry that is no file of ours.
 */
static int add_line(const struct appliance *appliance, char *line, json_t *files)
{
    CLEANUP_BUFFER struct buffer name = buffer_with_limit(DISK_LISTING_NAME_MAX + 1);
    uint8_t sha256[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    bool escaped = line[0] == '\\';
    const char *path;
    int64_t size;

    line += escaped;
    line[strcspn(line, "\n")] = '\0';
    if (strlen(line) <= LINE_PREFIX + 2 || strncmp(line + LINE_PREFIX, "./", 2) != 0)
        return 0;
    path = line + LINE_PREFIX + 1;
    memcpy(hex, line, SHA256_HEX_SIZE - 1);
    hex[SHA256_HEX_SIZE - 1] = '\0';
    if (sha256_from_hex(hex, sha256) < 0 || text_escape(path + 1, DISK_LISTING_NAME_MAX, &name) < 0)
        return 0;
    size = escaped ? -1 : appliance->calls.filesize(appliance->handle, path);
    return json_array_append_new(files, json_pack("{s:s%, s:I, s:s}", "name", (const char *)name.data, name.size,
                                                  "size", (json_int_t)size, "sha256", hex));
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a + LINE_PREFIX, *(char *const *)b + LINE_PREFIX);
}

/* The first lines of the file, sorted by path. */
static int read_sums(const struct appliance *appliance, FILE *sums, json_t *listing)
{
    char *lines[DISK_LISTING_FILES_MAX], line[LINE_SIZE_MAX];
    json_t *files = json_array();
    size_t count = 0, omitted = 0;
    int r = json_object_set_new(listing, "files", files);

    while (fgets(line, sizeof line, sums) != NULL) {
        if (strlen(line) <= LINE_PREFIX + 1)
            continue;
        if (count >= DISK_LISTING_FILES_MAX || (lines[count] = strdup(line)) == NULL)
            omitted++;
        else
            count++;
    }
    qsort(lines, count, sizeof lines[0], compare_lines);
    for (size_t i = 0; i < count; i++) {
        if (r == 0)
            r = add_line(appliance, lines[i], files);
        free(lines[i]);
    }
    if (r == 0 && omitted > 0)
        r = json_object_set_new(listing, "omitted", json_integer((json_int_t)omitted));
    return r;
}

static int list(const struct appliance *appliance, const char *sums_path, json_t **ret_listing, struct error *err)
{
    CLEANUP_JSON json_t *listing = json_object();
    FILE *sums;
    int r;

    if (appliance->calls.checksums_out(appliance->handle, "sha256", "/", sums_path) < 0)
        return failed(appliance, "hash the files", err);
    sums = fopen(sums_path, "re");
    if (sums == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", sums_path, strerror(errno));
    r = read_sums(appliance, sums, listing);
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
