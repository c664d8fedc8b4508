/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a control group, and who its processes' descendants are. */
#include "host/vm/cgroup_files.h"

#include "base/io.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DESCENDANTS_MAX 256u

int cgroup_write(int group_fd, const char *file, const char *text)
{
    CLEANUP_FD int fd = openat(group_fd, file, O_WRONLY | O_CLOEXEC);
    size_t size = strlen(text);

    if (fd < 0)
        return -errno;
    return write(fd, text, size) == (ssize_t)size ? 0 : -errno;
}

int cgroup_write_number(int group_fd, const char *file, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    return cgroup_write(group_fd, file, text);
}

bool cgroup_read(int group_fd, const char *file, char ret_text[CGROUP_FILE_MAX])
{
    CLEANUP_FD int fd = openat(group_fd, file, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, ret_text, CGROUP_FILE_MAX - 1);

    ret_text[size > 0 ? size : 0] = '\0';
    return size >= 0;
}

uint64_t cgroup_read_number(int group_fd, const char *file, const char *key)
{
    char text[CGROUP_FILE_MAX], *line, *rest = NULL;

    if (!cgroup_read(group_fd, file, text))
        return 0;
    if (key == NULL)
        return strtoull(text, NULL, 10);
    for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ' ')
            return strtoull(line + strlen(key), NULL, 10);
    return 0;
}

bool cgroup_has_word(const char *words, const char *word)
{
    size_t size = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += size)
        if ((at == words || at[-1] == ' ') && strchr(" \n", at[size]) != NULL)
            return true;
    return false;
}

/* The parent of a process, or 0. The name, which may hold anything, ends with the last parenthesis. */
static pid_t parent_of(const char *pid)
{
    char path[64], text[512];
    const char *end;
    int parent = 0;
    ssize_t size;
    CLEANUP_FD int fd = -1;

    (void)snprintf(path, sizeof path, "/proc/%.16s/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    end = strrchr(text, ')');
    return end != NULL && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

struct family {
    pid_t members[DESCENDANTS_MAX];
    size_t count;
};

static bool is_member(const struct family *family, pid_t pid)
{
    for (size_t i = 0; i < family->count; i++)
        if (family->members[i] == pid)
            return true;
    return false;
}

/* One look at every process; true where one was added. Children have higher numbers but when these begin anew. */
static bool add_children(struct family *family)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    bool added = false;

    while (folder != NULL && family->count < DESCENDANTS_MAX && (entry = readdir(folder)) != NULL) {
        pid_t pid = (pid_t)atoi(entry->d_name);

        if (isdigit((unsigned char)entry->d_name[0]) && !is_member(family, pid) &&
            is_member(family, parent_of(entry->d_name))) {
            family->members[family->count++] = pid;
            added = true;
        }
    }
    if (folder != NULL)
        (void)closedir(folder);
    return added;
}

int cgroup_each_descendant(pid_t ancestor, int (*found)(void *context, pid_t pid), void *context)
{
    struct family family = {.members = {ancestor}, .count = 1};
    int r = 0;

    while (add_children(&family))
        ;
    for (size_t i = 1; r == 0 && i < family.count; i++)
        r = found(context, family.members[i]);
    return r;
}
