/* SPDX-License-Identifier: Apache-2.0 */
/* Hidden directories: names and removal. */
#include "host/job/hidden.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>

#define RANDOM_DIGITS 16u

static int no_output(const char *path, struct error *err)
{
    return error_set(err, ERROR_USAGE, -EINVAL, "%s: not a path for an output directory", path);
}

int hidden_choose(const char *path, char ret_hidden[PATH_MAX], struct error *err)
{
    char split[PATH_MAX], folder[PATH_MAX];
    const char *name = split;
    size_t size = strlen(path);
    uint64_t random;
    char *slash;

    while (size > 1 && path[size - 1] == '/')
        size--;
    if (size == 0 || size >= PATH_MAX || (size == 1 && path[0] == '/'))
        return no_output(path, err);
    memcpy(split, path, size);
    split[size] = '\0';
    slash = strrchr(split, '/');
    if (slash != NULL) {
        *slash = '\0';
        name = slash + 1;
    }
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return no_output(path, err);
    if (realpath(slash == NULL ? "." : slash == split ? "/" : split, folder) == NULL)
        return error_set(err, errno == ENOENT ? ERROR_NO_INPUT : ERROR_UNAVAILABLE, -errno,
                         "%s: can't make the output directory: %s", path, strerror(errno));
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return error_set(err, ERROR_INTERNAL, -errno, "getrandom: %s", strerror(errno));
    if ((size_t)snprintf(ret_hidden, PATH_MAX, "%s/.%s.%016" PRIx64, strcmp(folder, "/") == 0 ? "" : folder, name,
                         random) >= PATH_MAX)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", path);
    /* It would break the journal's line, and what is read back be another path. */
    if (strchr(ret_hidden, '\n') != NULL)
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "the output's path has a line break in it; choose another place with -o");
    return 0;
}

bool hidden_is_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash == NULL ? 0 : strlen(slash + 1);

    if (path[0] != '/' || size < RANDOM_DIGITS + sizeof ".x." - 1 || slash[1] != '.' ||
        slash[1 + size - RANDOM_DIGITS - 1] != '.')
        return false;
    for (size_t i = 0; i < RANDOM_DIGITS; i++)
        if (!isxdigit((unsigned char)slash[size - i]))
            return false;
    return true;
}

/* To name what is in it: a folder that may be written need not be one that may be read. */
static int open_folder(const char *path)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};

    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

static void empty(int folder_fd)
{
    int fd = dup(folder_fd);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (folder == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    while ((entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(folder_fd, entry->d_name, 0);
    (void)closedir(folder);
}

void hidden_remove(const char *hidden)
{
    CLEANUP_FD int parent = -1, folder = -1;
    char path[PATH_MAX];
    char *slash;

    if (strlen(hidden) >= sizeof path || !hidden_is_name(hidden))
        return;
    (void)snprintf(path, sizeof path, "%s", hidden);
    slash = strrchr(path, '/');
    *slash = '\0';
    parent = open_folder(slash == path ? "/" : path);
    if (parent < 0)
        return;
    folder = openat(parent, slash + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return;
    empty(folder);
    (void)unlinkat(parent, slash + 1, AT_REMOVEDIR);
}
