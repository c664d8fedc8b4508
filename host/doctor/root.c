/* SPDX-License-Identifier: Apache-2.0 */
/* Files below the root that is looked at. */
#include "host/doctor/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int place(const struct doctor *d, const char *path, char ret_path[PATH_MAX])
{
    return snprintf(ret_path, PATH_MAX, "%s%s", d->root, path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

bool doctor_exists(const struct doctor *d, const char *path)
{
    char full[PATH_MAX];

    return place(d, path, full) == 0 && access(full, F_OK) == 0;
}

bool doctor_writable(const struct doctor *d, const char *path)
{
    char full[PATH_MAX];

    return place(d, path, full) == 0 && access(full, W_OK) == 0;
}

static FILE *open_file(const struct doctor *d, const char *path)
{
    char full[PATH_MAX];
    FILE *file;
    int fd;

    if (place(d, path, full) < 0)
        return NULL;
    fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    file = fd < 0 ? NULL : fdopen(fd, "r");
    if (fd >= 0 && file == NULL)
        (void)close(fd);
    return file;
}

static bool take_first(void *context, const char *line)
{
    (void)snprintf(context, DOCTOR_LINE_MAX, "%s", line);
    return true;
}

int doctor_read_line(const struct doctor *d, const char *path, char *ret_line, size_t room)
{
    char line[DOCTOR_LINE_MAX] = "";

    errno = 0;
    if (!doctor_find_line(d, path, take_first, line))
        return errno > 0 ? -errno : -ENODATA;
    (void)snprintf(ret_line, room, "%s", line);
    return 0;
}

bool doctor_find_line(const struct doctor *d, const char *path, doctor_take_line *take, void *context)
{
    char line[DOCTOR_LINE_MAX];
    bool rest = false, found = false;
    FILE *file = open_file(d, path);

    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        bool whole = strchr(line, '\n') != NULL;

        line[strcspn(line, "\n")] = '\0';
        if (!rest) /* what follows a cut line is no line */
            found = take(context, line);
        rest = !whole;
    }
    (void)fclose(file);
    return found;
}

static int compare_names(const void *a, const void *b)
{
    return strverscmp(a, b);
}

size_t doctor_read_folder(const struct doctor *d, const char *path, char (*ret_names)[DOCTOR_NAME_MAX], size_t max)
{
    char full[PATH_MAX];
    struct dirent *entry;
    size_t count = 0;
    DIR *folder = place(d, path, full) == 0 ? opendir(full) : NULL;

    if (folder == NULL)
        return 0;
    while (count < max && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            (void)snprintf(ret_names[count++], DOCTOR_NAME_MAX, "%s", entry->d_name);
    (void)closedir(folder);
    qsort(ret_names, count, DOCTOR_NAME_MAX, compare_names);
    return count;
}

int doctor_read_link(const struct doctor *d, const char *path, char *ret_name, size_t room)
{
    char full[PATH_MAX], target[PATH_MAX];
    const char *slash;
    ssize_t size;

    if (place(d, path, full) < 0)
        return -ENAMETOOLONG;
    size = readlink(full, target, sizeof target - 1);
    if (size < 0)
        return -errno;
    target[size] = '\0';
    slash = strrchr(target, '/');
    (void)snprintf(ret_name, room, "%s", slash != NULL ? slash + 1 : target);
    return 0;
}

/* --- modules --------------------------------------------------------------------------------------------------- */

/* Whether a line names ".../NAME.ko", perhaps compressed; '-' and '_' are the same. */
static bool names_module(void *context, const char *line)
{
    const char *name = context, *base = line;
    size_t size = strlen(name);

    for (const char *at = line; *at != '\0' && *at != ':'; at++)
        if (*at == '/')
            base = at + 1;
    for (size_t i = 0; i < size; i++)
        if (base[i] != name[i] && !(base[i] == '-' && name[i] == '_'))
            return false;
    return strncmp(base + size, ".ko", 3) == 0;
}

enum doctor_module doctor_module_state(const struct doctor *d, const char *name)
{
    static const char *const lists[] = {"modules.builtin", "modules.dep"};
    char path[PATH_MAX], release[128];

    (void)snprintf(path, sizeof path, "/sys/module/%s", name);
    if (doctor_exists(d, path))
        return DOCTOR_MODULE_LOADED;
    if (doctor_read_line(d, "/proc/sys/kernel/osrelease", release, sizeof release) < 0)
        return DOCTOR_MODULE_ABSENT;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        (void)snprintf(path, sizeof path, "/lib/modules/%s/%s", release, lists[i]);
        if (doctor_find_line(d, path, names_module, (void *)(uintptr_t)name))
            return i == 0 ? DOCTOR_MODULE_LOADED : DOCTOR_MODULE_THERE;
    }
    return DOCTOR_MODULE_ABSENT;
}
