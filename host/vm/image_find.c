/* SPDX-License-Identifier: Apache-2.0 */
/* Finding an image by what it consists of. */
#include "host/vm/image_find.h"

#include "base/io.h"
#include "host/vm/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

static bool is_same(const struct manifest_file *file, const uint8_t *sha256)
{
    return sha256 == NULL || memcmp(file->sha256, sha256, SHA256_SIZE) == 0;
}

bool image_has_parts(const struct manifest *manifest, const struct image_parts *parts)
{
    return is_same(&manifest->kernel, parts->kernel_sha256) && is_same(&manifest->initramfs, parts->initramfs_sha256) &&
           is_same(&manifest->agent, parts->agent_sha256) && is_same(&manifest->disk.file, parts->disk_sha256);
}

static bool is_image_name(const char *name)
{
    uint8_t sha256[SHA256_SIZE];

    return strlen(name) == SHA256_HEX_SIZE - 1 && sha256_from_hex(name, sha256) == 0;
}

static bool read_manifest(int images_fd, const char *name, struct manifest *ret_manifest)
{
    char json[MANIFEST_SIZE_MAX];
    CLEANUP_FD int folder_fd = openat(images_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    CLEANUP_FD int fd = folder_fd < 0 ? -1 : openat(folder_fd, MANIFEST_FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t size = fd < 0 ? -1 : io_pread_full(fd, json, sizeof json, 0);
    struct error unsound;

    return size > 0 && manifest_parse(json, (size_t)size, ret_manifest, &unsound) == 0;
}

/* The smallest matching name, so that the answer does not depend on the file system. */
static bool search(int images_fd, DIR *scan, const struct image_parts *parts, char ret_digest[SHA256_HEX_SIZE])
{
    struct manifest manifest;
    struct dirent *entry;
    bool found = false;

    while ((entry = readdir(scan)) != NULL) {
        if (!is_image_name(entry->d_name) || (found && strcmp(entry->d_name, ret_digest) > 0))
            continue;
        if (!read_manifest(images_fd, entry->d_name, &manifest) || !image_has_parts(&manifest, parts))
            continue;
        memcpy(ret_digest, entry->d_name, SHA256_HEX_SIZE);
        found = true;
    }
    return found;
}

int image_find(const struct image_parts *parts, char ret_digest[SHA256_HEX_SIZE], struct error *err)
{
    CLEANUP_FD int state_fd = -1;
    CLEANUP_FD int images_fd = -1;
    int r = state_open(&state_fd, err), scan_fd;
    bool found;
    DIR *scan;

    if (r == 0)
        r = state_open_folder(state_fd, IMAGE_FOLDER, &images_fd, err);
    if (r < 0)
        return r;
    scan_fd = openat(images_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    scan = scan_fd < 0 ? NULL : fdopendir(scan_fd);
    if (scan == NULL) {
        cleanup_close_fd(&scan_fd);
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s/" IMAGE_FOLDER ": %s", state_path(), strerror(errno));
    }
    found = search(images_fd, scan, parts, ret_digest);
    (void)closedir(scan);
    return found
               ? 0
               : error_set(err, ERROR_NO_INPUT, -ENOENT, "%s/" IMAGE_FOLDER ": no image of these parts", state_path());
}
