/* SPDX-License-Identifier: Apache-2.0 */
/* The walk: everything is opened by O_PATH first, which waits on nothing and has no effect on devices. */
#include "host/scan/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct walking {
    struct walk *walk;
    size_t root;
    char path[PATH_MAX];      /* of what is looked at */
    size_t below;             /* where the part below the path named begins */
    char root_path[PATH_MAX]; /* where the directory named really is */
    bool full;                /* WALK_FILES_MAX is reached */
    struct error *err;
};

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the list of files");
}

/* --- entries ---------------------------------------------------------------------------------------- */

static int add(struct walking *w, const struct walk_entry *entry)
{
    struct walk *walk = w->walk;
    struct walk_entry *own;

    if (walk->count == walk->room) {
        size_t room = walk->room > 0 ? 2 * walk->room : 64;
        struct walk_entry *entries = reallocarray(walk->entries, room, sizeof *entries);

        if (entries == NULL)
            return no_memory(w->err);
        walk->entries = entries;
        walk->room = room;
    }
    own = &walk->entries[walk->count];
    *own = *entry;
    own->root = w->root;
    own->below = w->below;
    own->path = strdup(w->path);
    if (own->path == NULL)
        return no_memory(w->err);
    walk->count++;
    return 0;
}

static int add_gap(struct walking *w, enum host_rule rule, const char *detail)
{
    struct walk_entry entry = {.rule = rule};

    (void)snprintf(entry.detail, sizeof entry.detail, "%s", detail);
    return add(w, &entry);
}

/* Whether there is room for one more entry; where there is not, one gap says so once. */
static bool has_room(struct walking *w, int *ret_result)
{
    *ret_result = 0;
    if (w->full)
        return false;
    if (w->walk->count < WALK_FILES_MAX)
        return true;
    w->full = true;
    *ret_result = add_gap(w, HOST_RULE_TOO_MANY, "this file and all after it: more than 100000 in all");
    return false;
}

/* --- links ------------------------------------------------------------------------------------------- */

/* Where a descriptor's file really is; false where that has no path. */
static bool real_path(int fd, char ret_path[PATH_MAX])
{
    char link[64];
    ssize_t size;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, ret_path, PATH_MAX - 1);
    if (size <= 0)
        return false;
    ret_path[size] = '\0';
    return true;
}

static bool is_below(const char *path, const char *root)
{
    size_t size = strlen(root);

    if (strcmp(root, "/") == 0)
        return true;
    return strncmp(path, root, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

/* A link within the tree needs nothing: what it leads to is met by itself. */
static int visit_link(struct walking *w, int directory, const char *name)
{
    CLEANUP_FD int target = openat(directory, name, O_PATH | O_CLOEXEC);
    char path[PATH_MAX];

    if (target < 0)
        return add_gap(w, HOST_RULE_LINK_BROKEN, strerror(errno));
    if (!real_path(target, path) || !is_below(path, w->root_path))
        return add_gap(w, HOST_RULE_LINK_OUTSIDE,
                       "a link out of the directory; name what it leads to, to have it scanned");
    return 0;
}

/* --- directories --------------------------------------------------------------------------------------- */

struct names {
    size_t count, room;
    char **names;
};

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_name(struct names *names, const char *name)
{
    if (names->count == names->room) {
        size_t room = names->room > 0 ? 2 * names->room : 64;
        char **grown = reallocarray(names->names, room, sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        names->names = grown;
        names->room = room;
    }
    names->names[names->count] = strdup(name);
    if (names->names[names->count] == NULL)
        return -ENOMEM;
    names->count++;
    return 0;
}

/* A directory's names, sorted; at most one more than may become entries. */
static int list(int fd, struct names *ret_names)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
    DIR *directory = own < 0 ? NULL : fdopendir(own);
    struct dirent *entry;

    if (directory == NULL) {
        r = -errno;
        cleanup_close_fd(&own);
        return r;
    }
    while (r == 0 && ret_names->count <= WALK_FILES_MAX && (entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = add_name(ret_names, entry->d_name);
    (void)closedir(directory);
    if (r == 0 && ret_names->count > 0)
        qsort(ret_names->names, ret_names->count, sizeof *ret_names->names, compare);
    return r;
}

static int visit_directory(struct walking *w, int fd, unsigned depth);

/* What stands at `name`; w->path names it. */
static int visit(struct walking *w, int directory, const char *name, unsigned depth)
{
    CLEANUP_FD int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    int r;

    if (!has_room(w, &r))
        return r;
    if (fd < 0 || fstat(fd, &status) < 0)
        return add_gap(w, HOST_RULE_UNREADABLE, strerror(errno));
    if (S_ISLNK(status.st_mode))
        return visit_link(w, directory, name);
    if (S_ISDIR(status.st_mode))
        return visit_directory(w, fd, depth + 1);
    if (S_ISREG(status.st_mode))
        return add(w, &(struct walk_entry){.is_file = true});
    return add_gap(w, HOST_RULE_NOT_A_FILE, "a FIFO, a socket or a device");
}

static int visit_directory(struct walking *w, int fd, unsigned depth)
{
    CLEANUP(free_names) struct names names = {0};
    size_t length = strlen(w->path);
    int r;

    if (depth > WALK_DEPTH_MAX)
        return add_gap(w, HOST_RULE_TOO_MANY, "a directory more than 64 deep");
    r = list(fd, &names);
    if (r == -ENOMEM)
        return no_memory(w->err);
    if (r < 0)
        return add_gap(w, HOST_RULE_UNREADABLE, strerror(-r));
    for (size_t i = 0; r == 0 && i < names.count && !w->full; i++) {
        bool slash = length > 0 && w->path[length - 1] == '/';
        int more = snprintf(w->path + length, sizeof w->path - length, "%s%s", slash ? "" : "/", names.names[i]);

        if (more < 0 || (size_t)more >= sizeof w->path - length) {
            w->path[length] = '\0';
            r = add_gap(w, HOST_RULE_UNREADABLE, "a path too long for this system");
        } else
            r = visit(w, fd, names.names[i], depth);
        w->path[length] = '\0';
    }
    return r;
}

/* --- the paths named -------------------------------------------------------------------------------------- */

static int visit_root(struct walking *w, const char *path)
{
    size_t before = w->walk->count;
    struct stat status;
    int fd, r;

    if ((size_t)snprintf(w->path, sizeof w->path, "%s", path) >= sizeof w->path)
        return error_set(w->err, ERROR_NO_INPUT, -ENAMETOOLONG, "%s: the path is too long", path);
    fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return error_set(w->err, ERROR_NO_INPUT, -errno, "%s: %s", path, strerror(errno));
    w->walk->roots[w->root] = fd;
    w->walk->root_count = w->root + 1;
    w->below = 0;
    if (fstat(fd, &status) < 0)
        return error_set(w->err, ERROR_NO_INPUT, -errno, "%s: %s", path, strerror(errno));
    if (!has_room(w, &r))
        return r;
    if (S_ISREG(status.st_mode))
        return add(w, &(struct walk_entry){.is_file = true});
    if (!S_ISDIR(status.st_mode))
        return add_gap(w, HOST_RULE_NOT_A_FILE, "a FIFO, a socket or a device");
    if (!real_path(fd, w->root_path))
        return error_set(w->err, ERROR_NO_INPUT, -ENOENT, "%s: its place can't be found", path);
    w->below = strlen(path) + (path[strlen(path) - 1] == '/' ? 0 : 1);
    r = visit_directory(w, fd, 0);
    if (r == 0 && w->walk->count == before && !w->full)
        return error_set(w->err, ERROR_NO_INPUT, -ENOENT, "%s: there is no file in this directory", path);
    return r;
}

int walk_paths(const char *const *paths, size_t count, struct walk *ret_walk, struct error *err)
{
    CLEANUP_WALK struct walk walk = {0};
    CLEANUP_FREE struct walking *w = calloc(1, sizeof *w);
    int r = 0;

    if (count > WALK_PATHS_MAX)
        return error_set(err, ERROR_USAGE, -E2BIG, "more than %u paths at once; name their directory", WALK_PATHS_MAX);
    walk.roots = calloc(count > 0 ? count : 1, sizeof *walk.roots);
    if (w == NULL || walk.roots == NULL)
        return no_memory(err);
    w->walk = &walk;
    w->err = err;
    for (w->root = 0; r == 0 && w->root < count; w->root++)
        r = visit_root(w, paths[w->root]);
    if (r == 0) {
        *ret_walk = walk;
        walk = (struct walk){0};
    }
    return r;
}

void walk_free(struct walk *walk)
{
    for (size_t i = 0; i < walk->count; i++)
        free(walk->entries[i].path);
    free(walk->entries);
    for (size_t i = 0; i < walk->root_count; i++)
        cleanup_close_fd(&walk->roots[i]);
    free(walk->roots);
    *walk = (struct walk){0};
}

/* --- opening ------------------------------------------------------------------------------------------------ */

int walk_open(const struct walk *walk, const struct walk_entry *entry, int *ret_fd, struct error *err)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int root = walk->roots[entry->root], fd;
    CLEANUP_FD int path = -1;
    struct stat status;
    char link[64];

    path = entry->below == 0 ? fcntl(root, F_DUPFD_CLOEXEC, 0)
                             : (int)syscall(SYS_openat2, root, entry->path + entry->below, &how, sizeof how);
    if (path < 0 || fstat(path, &status) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_NO_INPUT, -EINVAL, "it is no regular file any more");
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", path);
    fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s", strerror(errno));
    *ret_fd = fd;
    return 0;
}
