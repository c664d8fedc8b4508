/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's folder. */
#include "host/ledger/store.h"

#include "base/file.h"
#include "base/io.h"
#include "base/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TEMPORARY ".new"
#define NAME_SIZE 256u
#define READ_STEP ((size_t)64 * 1024)

static int fail(const struct store *store, const char *name, enum error_kind kind, int code, struct error *err)
{
    return error_set(err, kind, code, "%s/%s: %s", store->path, name, strerror(-code));
}

int store_open(const char *path, struct store *ret_store, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_set(err, file_error_kind(-errno), -errno, "%s: %s; 'lazaret ledger init' makes a ledger", path,
                         strerror(errno));
    *ret_store = (struct store){.fd = fd, .path = path};
    return 0;
}

void store_close(struct store *store)
{
    cleanup_close_fd(&store->fd);
    store->fd = -1;
}

int store_lock(const struct store *store, int *ret_fd, struct error *err)
{
    CLEANUP_FD int fd = openat(store->fd, STORE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    int r;

    if (fd < 0)
        return fail(store, STORE_LOCK, ERROR_UNAVAILABLE, -errno, err);
    r = lock_take(fd, STORE_LOCK_WAIT_MS);
    if (r == -EWOULDBLOCK)
        return error_set(err, ERROR_UNAVAILABLE, -ETIMEDOUT,
                         "%s/" STORE_LOCK ": another process writes to the ledger and does not end", store->path);
    if (r < 0)
        return fail(store, STORE_LOCK, ERROR_UNAVAILABLE, r, err);
    *ret_fd = take_fd(&fd);
    return 0;
}

int store_read(const struct store *store, const char *name, struct buffer *ret_content, struct error *err)
{
    CLEANUP_FD int fd = openat(store->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    struct stat status;
    ssize_t count;

    if (fd < 0 || fstat(fd, &status) < 0)
        return fail(store, name, file_error_kind(-errno), -errno, err);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_NO_INPUT, -EINVAL, "%s/%s: not a regular file", store->path, name);
    do {
        size_t room_size = ret_content->limit - ret_content->size + 1;
        uint8_t byte, *room = &byte;
        int r = 0;

        room_size = room_size < READ_STEP ? room_size : READ_STEP;
        if (room_size > 1)
            r = buffer_reserve(ret_content, --room_size, &room);
        if (r < 0)
            return fail(store, name, ERROR_UNAVAILABLE, r, err);
        do
            count = read(fd, room, room_size);
        while (count < 0 && errno == EINTR);
        if (count < 0)
            return fail(store, name, file_error_kind(-errno), -errno, err);
        if (count > 0 && room == &byte)
            return error_set(err, ERROR_BAD_INPUT, -EMSGSIZE, "%s/%s: larger than %zu bytes", store->path, name,
                             ret_content->limit);
        if (room != &byte)
            ret_content->size += (size_t)count;
    } while (count > 0);
    return 0;
}

/* Makes the folders above a name, syncing each that gains one; opens the last. */
static int open_folder(const struct store *store, const char *name, int *ret_fd)
{
    CLEANUP_FD int fd = openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *slash;

    if (fd < 0)
        return -errno;
    for (; (slash = strchr(name, '/')) != NULL; name = slash + 1) {
        char part[NAME_SIZE];
        int next;

        if ((size_t)snprintf(part, sizeof part, "%.*s", (int)(slash - name), name) >= sizeof part)
            return -ENAMETOOLONG;
        if (mkdirat(fd, part, 0755) == 0) {
            if (fsync(fd) < 0)
                return -errno;
        } else if (errno != EEXIST)
            return -errno;
        next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (next < 0)
            return -errno;
        (void)close(fd);
        fd = next;
    }
    *ret_fd = take_fd(&fd);
    return 0;
}

static int write_temporary(const struct store *store, const void *data, size_t size)
{
    CLEANUP_FD int fd = openat(store->fd, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    int r;

    if (fd < 0)
        return -errno;
    r = io_write_full(fd, data, size, IO_NO_DEADLINE);
    return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

int store_write(const struct store *store, const char *name, const void *data, size_t size, struct error *err)
{
    CLEANUP_FD int folder = -1;
    int r = open_folder(store, name, &folder);

    if (r == 0)
        r = write_temporary(store, data, size);
    if (r == 0 && renameat(store->fd, TEMPORARY, store->fd, name) < 0)
        r = -errno;
    if (r == 0 && fsync(folder) < 0)
        r = -errno;
    return r == 0 ? 0 : fail(store, name, ERROR_UNAVAILABLE, r, err);
}

void store_remove_folder(const struct store *store, const char *name)
{
    int fd = openat(store->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;

    if (folder == NULL) {
        cleanup_close_fd(&fd);
        return;
    }
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            (void)unlinkat(fd, entry->d_name, 0);
    (void)closedir(folder);
    (void)unlinkat(store->fd, name, AT_REMOVEDIR);
}
