/* SPDX-License-Identifier: Apache-2.0 */
/* A job's scratch disk. */
#include "host/job/scratch_disk.h"

#include "host/job/locate.h"
#include "host/vm/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int scratch_disk_start(struct scratch_disk *ret_disk, const struct staging *staging, unsigned mib, struct error *err)
{
    char folder[PATH_MAX], recipe[PATH_MAX];
    int r = locate_recipe("appliance-kernel", recipe, err);

    if (r < 0)
        return r;
    if (realpath(staging_path(staging), folder) == NULL ||
        snprintf(ret_disk->path, sizeof ret_disk->path, "%s/scratch.img", folder) >= (int)sizeof ret_disk->path)
        return error_set(err, ERROR_UNAVAILABLE, -ENAMETOOLONG, "%s: no place for a scratch disk",
                         staging_path(staging));
    r = scratch_create(ret_disk->path, mib, &ret_disk->fd, err);
    return r < 0 ? r : disk_reader_start(ret_disk->path, recipe, &ret_disk->reader, err);
}

json_t *scratch_disk_read(struct scratch_disk *disk)
{
    json_t *listing = NULL;
    struct error err = {0};

    if (disk->reader == NULL)
        return NULL;
    if (disk_reader_read(disk->reader, &listing, &err) < 0)
        return json_pack("{s:s}", "error", err.text);
    return listing;
}

void scratch_disk_stop(struct scratch_disk *disk)
{
    disk_reader_free(disk->reader);
    disk->reader = NULL;
    if (disk->fd >= 0) {
        (void)close(disk->fd);
        (void)unlink(disk->path);
    }
    disk->fd = -1;
    disk->path[0] = '\0';
}
