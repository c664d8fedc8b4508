/* SPDX-License-Identifier: Apache-2.0 */
/* The workers' control group. */
#include "guest/sandbox/group.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME       "workers"
#define EVENTS_MAX 512u /* memory.events: some lines of a name and a number */

struct group group_none(void)
{
    return (struct group){.tasks = -1, .memory_max = -1, .memory_events = -1};
}

void group_close(struct group *group)
{
    cleanup_close_fd(&group->tasks);
    cleanup_close_fd(&group->memory_max);
    cleanup_close_fd(&group->memory_events);
    *group = group_none();
}

static int failed(struct error *err, const char *name)
{
    int code = -errno;

    return error_set(err, ERROR_INTERNAL, code, "control group: %s: %s", name, strerror(-code));
}

/* 0; -ENOENT where the kernel has no such file. */
static int set(int folder, const char *name, const char *value)
{
    CLEANUP_FD int fd = openat(folder, name, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, value, strlen(value)) < 0)
        return -errno;
    return 0;
}

/* The files of the group itself; those of a controller that is absent stay -1. */
static int open_files(int folder, struct group *group, struct error *err)
{
    char tasks[16];
    int r;

    (void)snprintf(tasks, sizeof tasks, "%u", GROUP_TASKS_MAX);
    r = set(folder, "pids.max", tasks);
    if (r == 0 || r == -ENOENT)
        r = set(folder, "memory.swap.max", "0");
    if (r == 0 || r == -ENOENT)
        r = set(folder, "memory.oom.group", "1"); /* all threads of a worker, whichever asked for the last page */
    if (r < 0 && r != -ENOENT) {
        errno = -r;
        return failed(err, NAME);
    }
    group->memory_max = openat(folder, "memory.max", O_WRONLY | O_CLOEXEC);
    group->memory_events = openat(folder, "memory.events", O_RDONLY | O_CLOEXEC);
    group->tasks = openat(folder, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    return group->tasks < 0 ? failed(err, NAME "/cgroup.procs") : 0;
}

int group_open(const char *folder, struct group *ret_group, struct error *err)
{
    CLEANUP_FD int root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), own = -1;
    struct group group = group_none();
    int r;

    if (root < 0)
        return failed(err, folder);
    /* One by one: a kernel without the one may have the other. */
    (void)set(root, "cgroup.subtree_control", "+memory");
    (void)set(root, "cgroup.subtree_control", "+pids");
    if (mkdirat(root, NAME, 0755) < 0 && errno != EEXIST)
        return failed(err, NAME);
    own = openat(root, NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = own < 0 ? failed(err, NAME) : open_files(own, &group, err);
    if (r < 0) {
        group_close(&group);
        return r;
    }
    *ret_group = group;
    return 0;
}

int group_limit(const struct group *group, uint64_t bytes, struct error *err)
{
    char text[24] = "max";

    if (group->memory_max < 0)
        return 0;
    if (bytes > 0)
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)bytes);
    if (write(group->memory_max, text, strlen(text)) < 0)
        return failed(err, "memory.max");
    return 0;
}

int group_enter(const struct group *group)
{
    if (group->tasks >= 0 && write(group->tasks, "0", 1) < 0)
        return -errno;
    return 0;
}

uint64_t group_kills(const struct group *group)
{
    char events[EVENTS_MAX];
    const char *line;
    /* SYSTEM-CALL supervisor pread64: the group's count of killed workers
       UNSEEN: under process isolation there is no such group; the microVM tests have it */
    ssize_t size = group->memory_events < 0 ? -1 : pread(group->memory_events, events, sizeof events - 1, 0);

    if (size < 0)
        return 0;
    events[size] = '\0';
    line = strstr(events, "\noom_kill ");
    return line == NULL ? 0 : strtoull(line + strlen("\noom_kill "), NULL, 10);
}
