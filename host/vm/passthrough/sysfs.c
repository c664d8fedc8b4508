/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of sysfs. */
#include "host/vm/passthrough/sysfs.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static int check_printable(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] < ' ' || text[i] > '~')
            return -EBADMSG;
    return 0;
}

int sysfs_read_text(int sysfs, const char *path, char *ret_text, size_t room)
{
    CLEANUP_FD int fd = openat(sysfs, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CLEANUP_FREE char *text = malloc(room);
    ssize_t size;

    if (fd < 0)
        return -errno;
    if (text == NULL)
        return -ENOMEM;
    size = io_pread_full(fd, text, room, 0);
    if (size < 0)
        return (int)size;
    if ((size_t)size == room)
        return -EFBIG;
    if (size > 0 && text[size - 1] == '\n')
        size--;
    if (check_printable(text, (size_t)size) < 0)
        return -EBADMSG;
    memcpy(ret_text, text, (size_t)size);
    ret_text[size] = '\0';
    return 0;
}

int sysfs_read_number(int sysfs, const char *path, uint64_t max, uint64_t *ret_value)
{
    char text[SYSFS_NAME_MAX], *end;
    uint64_t value;
    int r = sysfs_read_text(sysfs, path, text, sizeof text);

    if (r < 0)
        return r;
    if (text[0] < '0' || text[0] > '9') /* strtoull would take a sign or a blank */
        return -EBADMSG;
    errno = 0;
    value = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
    if (errno != 0 || *end != '\0' || value > max)
        return -EBADMSG;
    *ret_value = value;
    return 0;
}

int sysfs_read_link(int sysfs, const char *path, char *ret_name, size_t room)
{
    char target[512];
    const char *name;
    ssize_t size = readlinkat(sysfs, path, target, sizeof target);

    if (size < 0)
        return -errno;
    if ((size_t)size == sizeof target)
        return -EFBIG;
    target[size] = '\0';
    name = strrchr(target, '/');
    name = name == NULL ? target : name + 1;
    if (strlen(name) >= room)
        return -EFBIG;
    if (name[0] == '\0' || check_printable(name, strlen(name)) < 0)
        return -EBADMSG;
    memcpy(ret_name, name, strlen(name) + 1);
    return 0;
}

bool sysfs_exists(int sysfs, const char *path)
{
    return faccessat(sysfs, path, F_OK, 0) == 0;
}

int sysfs_write(int sysfs, const char *path, const char *text)
{
    CLEANUP_FD int fd = openat(sysfs, path, O_WRONLY | O_CLOEXEC);
    ssize_t size;

    if (fd < 0)
        return -errno;
    do
        size = write(fd, text, strlen(text));
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return -errno;
    return (size_t)size == strlen(text) ? 0 : -EIO;
}
