/* SPDX-License-Identifier: Apache-2.0 */
/* Listing a model's folder without following links. */
#include "host/provenance/tree.h"

#include "host/provenance/paths.h"
#include "host/provenance/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct walk {
    struct tree *tree;
    const char *root;
    const struct tree_id *excluded;
    size_t excluded_count;
    struct error *err;
};

static void drop_folder(DIR **folder)
{
    if (*folder != NULL)
        (void)closedir(*folder);
}

static int fail(const struct walk *walk, const char *path, int code)
{
    return error_set(walk->err, ERROR_NO_INPUT, code, "%s/%s: %s", walk->root, path, strerror(-code));
}

static bool is_excluded(const struct walk *walk, const struct stat *status)
{
    for (size_t i = 0; i < walk->excluded_count; i++)
        if (walk->excluded[i].device == status->st_dev && walk->excluded[i].inode == status->st_ino)
            return true;
    return false;
}

static int add_file(struct walk *walk, const char *path, const struct stat *status)
{
    struct tree *tree = walk->tree;
    char *copy;

    if (tree->count == PROTOCOL_FILES_MAX)
        return error_set(walk->err, ERROR_BAD_INPUT, -E2BIG, "%s: more than %u files; give the model's own folder",
                         walk->root, PROTOCOL_FILES_MAX);
    if (tree->count == tree->room) {
        uint32_t room = tree->room > 0 ? 2 * tree->room : 64;
        struct tree_file *grown = reallocarray(tree->files, room, sizeof *grown);

        if (grown == NULL)
            return fail(walk, path, -ENOMEM);
        tree->files = grown;
        tree->room = room;
    }
    copy = strdup(path);
    if (copy == NULL)
        return fail(walk, path, -ENOMEM);
    tree->files[tree->count++] = (struct tree_file){
        .kind = S_ISREG(status->st_mode)   ? MATCH_FILE
                : S_ISLNK(status->st_mode) ? MATCH_LINK
                                           : MATCH_OTHER,
        .size = (uint64_t)status->st_size,
        .id = {.device = status->st_dev, .inode = status->st_ino},
        .path = copy,
    };
    return 0;
}

static int list_folder(struct walk *walk, int folder_fd, const char *prefix, unsigned depth);

static int list_entry(struct walk *walk, int folder_fd, const char *prefix, const char *name, unsigned depth)
{
    char path[PATH_SIZE_MAX + 1];
    struct stat status;
    int fd;

    if ((size_t)snprintf(path, sizeof path, "%s%s", prefix, name) >= sizeof path)
        return fail(walk, prefix, -ENAMETOOLONG);
    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : fail(walk, path, -errno); /* it went away */
    if (is_excluded(walk, &status))
        return 0;
    if (!S_ISDIR(status.st_mode))
        return add_file(walk, path, &status);
    if (depth == 1 && strcmp(name, ".git") == 0)
        return 0;
    if (depth == PATH_DEPTH_MAX || strlen(path) + 1 >= sizeof path)
        return error_set(walk->err, ERROR_BAD_INPUT, -E2BIG, "%s/%s: more than %u levels", walk->root, path,
                         PATH_DEPTH_MAX);
    fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(walk, path, -errno);
    (void)strcat(path, "/");
    return list_folder(walk, fd, path, depth + 1);
}

/* Takes the descriptor over. */
static int list_folder(struct walk *walk, int folder_fd, const char *prefix, unsigned depth)
{
    CLEANUP(drop_folder) DIR *folder = fdopendir(folder_fd);
    int r = 0;

    if (folder == NULL) {
        r = fail(walk, prefix, -errno);
        (void)close(folder_fd);
        return r;
    }
    while (r == 0) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(folder);
        if (entry == NULL)
            return errno == 0 ? 0 : fail(walk, prefix, -errno);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = list_entry(walk, dirfd(folder), prefix, entry->d_name, depth);
    }
    return r;
}

static int compare(const void *left, const void *right)
{
    const struct tree_file *mine = left, *other = right;

    return path_compare(mine->path, strlen(mine->path), other->path, strlen(other->path));
}

int tree_list(const char *root, const struct tree_id *excluded, size_t excluded_count, struct tree *ret_tree,
              struct error *err)
{
    CLEANUP_TREE struct tree tree = {.root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    struct walk walk = {
        .tree = &tree, .root = root, .excluded = excluded, .excluded_count = excluded_count, .err = err};
    int r, fd;

    if (tree.root_fd < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", root, strerror(errno));
    fd = openat(tree.root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* with a position of its own */
    if (fd < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", root, strerror(errno));
    r = list_folder(&walk, fd, "", 1);
    if (r < 0)
        return r;
    if (tree.count > 0)
        qsort(tree.files, tree.count, sizeof *tree.files, compare);
    *ret_tree = tree;
    tree = (struct tree){.root_fd = -1}; /* transferred */
    return 0;
}

int tree_open(const struct tree *tree, uint32_t index, int *ret_fd, struct error *err)
{
    const struct tree_file *file = &tree->files[index];
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    CLEANUP_FD int fd = (int)syscall(SYS_openat2, tree->root_fd, file->path, &how, sizeof how);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", file->path, strerror(errno));
    if (status.st_dev != file->id.device || status.st_ino != file->id.inode || !S_ISREG(status.st_mode))
        return error_set(err, ERROR_NO_INPUT, -ESTALE, "%s: it changed while it was looked at", file->path);
    *ret_fd = take_fd(&fd);
    return 0;
}

void tree_free(struct tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++)
        free(tree->files[i].path);
    free(tree->files);
    tree->files = NULL;
    tree->count = tree->room = 0;
    if (tree->root_fd >= 0)
        (void)close(take_fd(&tree->root_fd));
}
