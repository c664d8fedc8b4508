/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a guest image, verified. */
#include "host/vm/image.h"

#include "base/io.h"
#include "host/vm/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum part { KERNEL, INITRAMFS, AGENT, PART_COUNT };

struct image {
    char digest[SHA256_HEX_SIZE];
    struct manifest manifest;
    char *paths[PART_COUNT];
    int fds[PART_COUNT];
};

static const char how_to_build[] = "make one by `lazaret image build`";

/* The name in images/default, which is 64 digits and perhaps a newline. */
static int read_default(int folder_fd, char ret_digest[SHA256_HEX_SIZE], struct error *err)
{
    uint8_t binary[SHA256_SIZE];
    char text[SHA256_HEX_SIZE + 1];
    CLEANUP_FD int fd = openat(folder_fd, IMAGE_DEFAULT_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -errno : io_pread_full(fd, text, sizeof(text), 0);

    if (size < 0)
        return error_set(err, ERROR_NO_INPUT, (int)size, "%s/" IMAGE_FOLDER ": no default image: %s; %s", state_path(),
                         strerror((int)-size), how_to_build);
    text[size < (ssize_t)SHA256_HEX_SIZE ? size : (ssize_t)SHA256_HEX_SIZE - 1] = '\0';
    if (sha256_from_hex(text, binary) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s/" IMAGE_FOLDER "/" IMAGE_DEFAULT_FILE ": holds no image's name; %s", state_path(),
                         how_to_build);
    memcpy(ret_digest, text, SHA256_HEX_SIZE);
    return 0;
}

static int open_part(struct image *image, int folder_fd, const char *folder, enum part part,
                     const struct manifest_file *file, struct error *err)
{
    uint8_t digest[SHA256_SIZE];
    uint64_t size = 0;
    int fd = openat(folder_fd, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int r;

    image->fds[part] = fd;
    if (fd < 0)
        return error_set(err, ERROR_BAD_INPUT, -errno, "%s/%s: %s", folder, file->name, strerror(errno));
    if (asprintf(&image->paths[part], "%s/%s", folder, file->name) < 0) {
        image->paths[part] = NULL;
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "image: out of memory");
    }
    r = sha256_of_fd(fd, digest, &size);
    if (r < 0)
        return error_set(err, ERROR_BAD_INPUT, r, "%s/%s: %s", folder, file->name, strerror(-r));
    if (size != file->size || memcmp(digest, file->sha256, sizeof(digest)) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s/%s: its digest is not the manifest's; delete the image, and %s", folder, file->name,
                         how_to_build);
    return 0;
}

static int read_manifest(struct image *image, int folder_fd, const char *folder, struct error *err)
{
    char json[MANIFEST_SIZE_MAX + 1], hex[SHA256_HEX_SIZE];
    uint8_t digest[SHA256_SIZE];
    CLEANUP_FD int fd = openat(folder_fd, MANIFEST_FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t size = fd < 0 ? -errno : io_pread_full(fd, json, sizeof(json), 0);

    if (size < 0)
        return error_set(err, ERROR_BAD_INPUT, (int)size, "%s/" MANIFEST_FILE_NAME ": %s", folder,
                         strerror((int)-size));
    sha256_of(json, (size_t)size, digest);
    sha256_to_hex(digest, hex);
    if (strcmp(hex, image->digest) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s/" MANIFEST_FILE_NAME ": its digest is not the image's name", folder);
    return manifest_parse(json, (size_t)size, &image->manifest, err);
}

static int open_parts(struct image *image, struct error *err)
{
    const struct manifest *manifest = &image->manifest;
    CLEANUP_FD int folder_fd = -1;
    CLEANUP_FREE char *folder = NULL;
    char resolved[PATH_MAX];
    int r;

    if (asprintf(&folder, "%s/" IMAGE_FOLDER "/%s", realpath(state_path(), resolved) ? resolved : state_path(),
                 image->digest) < 0) {
        folder = NULL;
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "image: out of memory");
    }
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: no such image: %s; %s", folder, strerror(errno),
                         how_to_build);
    r = read_manifest(image, folder_fd, folder, err);
    if (r == 0)
        r = open_part(image, folder_fd, folder, KERNEL, &manifest->kernel, err);
    if (r == 0)
        r = open_part(image, folder_fd, folder, INITRAMFS, &manifest->initramfs, err);
    if (r == 0)
        r = open_part(image, folder_fd, folder, AGENT, &manifest->agent, err);
    return r;
}

int image_open(const char *digest, struct image **ret_image, struct error *err)
{
    uint8_t binary[SHA256_SIZE];
    CLEANUP_FD int state_fd = -1;
    CLEANUP_FD int folder_fd = -1;
    CLEANUP_IMAGE struct image *image = calloc(1, sizeof(*image));
    int r = 0;

    if (image == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "image: out of memory");
    for (int part = 0; part < PART_COUNT; part++)
        image->fds[part] = -1;
    if (digest != NULL) {
        if (sha256_from_hex(digest, binary) < 0)
            return error_set(err, ERROR_USAGE, -EINVAL, "%s: an image's name is 64 lowercase hexadecimal digits",
                             digest);
        memcpy(image->digest, digest, SHA256_HEX_SIZE);
    } else {
        r = state_open(&state_fd, err);
        if (r == 0)
            r = state_open_folder(state_fd, IMAGE_FOLDER, &folder_fd, err);
        if (r == 0)
            r = read_default(folder_fd, image->digest, err);
    }
    if (r == 0)
        r = open_parts(image, err);
    if (r == 0)
        *ret_image = TAKE_POINTER(image);
    return r;
}

void image_free(struct image *image)
{
    if (image == NULL)
        return;
    for (int part = 0; part < PART_COUNT; part++) {
        free(image->paths[part]);
        if (image->fds[part] >= 0)
            (void)close(image->fds[part]);
    }
    free(image);
}

const char *image_digest(const struct image *image)
{
    return image->digest;
}

const struct manifest *image_manifest(const struct image *image)
{
    return &image->manifest;
}

const char *image_kernel_path(const struct image *image)
{
    return image->paths[KERNEL];
}

const char *image_initramfs_path(const struct image *image)
{
    return image->paths[INITRAMFS];
}

const char *image_agent_path(const struct image *image)
{
    return image->paths[AGENT];
}

int image_kernel_fd(const struct image *image)
{
    return image->fds[KERNEL];
}

int image_initramfs_fd(const struct image *image)
{
    return image->fds[INITRAMFS];
}

int image_agent_fd(const struct image *image)
{
    return image->fds[AGENT];
}
