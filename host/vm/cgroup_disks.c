/* SPDX-License-Identifier: Apache-2.0 */
/* How much of each disk a control group may use. */
#include "host/vm/cgroup_disks.h"

#include "host/vm/cgroup_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The device's number, "8:0", from its folder in sysfs. */
static bool read_number(int blocks_fd, const char *name, char ret_number[CGROUP_FILE_MAX])
{
    char path[NAME_MAX + sizeof "/dev"];

    (void)snprintf(path, sizeof path, "%.*s/dev", NAME_MAX, name);
    if (!cgroup_read(blocks_fd, path, ret_number))
        return false;
    ret_number[strcspn(ret_number, "\n")] = '\0';
    return ret_number[0] != '\0' && ret_number[strspn(ret_number, "0123456789:")] == '\0';
}

static bool limit_disk(int group_fd, const char *number, uint64_t bytes, uint64_t operations)
{
    char line[160];

    (void)snprintf(line, sizeof line, "%.24s rbps=%" PRIu64 " wbps=%" PRIu64 " riops=%" PRIu64 " wiops=%" PRIu64,
                   number, bytes, bytes, operations, operations);
    return cgroup_write(group_fd, "io.max", line) == 0;
}

unsigned cgroup_limit_disks(int group_fd, const char *blocks, uint64_t bytes, uint64_t operations)
{
    int fd = blocks == NULL ? -1 : open(blocks, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    char number[CGROUP_FILE_MAX];
    unsigned seen = 0, limited = 0;
    struct dirent *entry;

    while (folder != NULL && seen < CGROUP_DISKS_MAX && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.' || !read_number(fd, entry->d_name, number))
            continue;
        seen++;
        limited += limit_disk(group_fd, number, bytes, operations) ? 1 : 0;
    }
    if (folder != NULL)
        (void)closedir(folder);
    else if (fd >= 0)
        (void)close(fd);
    return limited;
}
