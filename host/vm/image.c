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

enum part { KERNEL, INITRAMFS, AGENT, DISK, PART_COUNT };

struct image {
    char digest[SHA256_HEX_SIZE];
    struct manifest manifest;
    char *paths[PART_COUNT];
    int fds[PART_COUNT];
};

static const char how_to_build[] = "make one by `lazaret image build`";

static void name_default(const char *gpu, char ret_name[IMAGE_NAME_MAX])
{
    (void)snprintf(ret_name, IMAGE_NAME_MAX, IMAGE_DEFAULT_FILE "%s%s", gpu != NULL ? "-" : "", gpu != NULL ? gpu : "");
}

void image_default_name(const struct manifest *manifest, char ret_name[IMAGE_NAME_MAX])
{
    name_default(manifest_has_disk(manifest) ? manifest_gpu_names[manifest->disk.gpu] : NULL, ret_name);
}

/* The name in images/default, or of another such file, which is 64 digits and perhaps a newline. */
static int read_default(int folder_fd, const char *gpu, char ret_digest[SHA256_HEX_SIZE], struct error *err)
{
    uint8_t binary[SHA256_SIZE];
    char text[SHA256_HEX_SIZE + 1];
    char name[IMAGE_NAME_MAX];
    CLEANUP_FD int fd = -1;
    ssize_t size;

    name_default(gpu, name);
    fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    size = fd < 0 ? -errno : io_pread_full(fd, text, sizeof(text), 0);
    if (size == -ENOENT && gpu != NULL)
        return error_set(err, ERROR_NO_INPUT, -ENOENT,
                         "%s/" IMAGE_FOLDER ": no image for %s's GPUs; make one by `lazaret image build --gpu %s%s` "
                         "(docs/gpu-image.md)",
                         state_path(), gpu, gpu, strcmp(gpu, "intel") == 0 ? "" : " --driver DIR");
    if (size < 0)
        return error_set(err, ERROR_NO_INPUT, (int)size, "%s/" IMAGE_FOLDER ": no default image: %s; %s", state_path(),
                         strerror((int)-size), how_to_build);
    text[size < (ssize_t)SHA256_HEX_SIZE ? size : (ssize_t)SHA256_HEX_SIZE - 1] = '\0';
    if (sha256_from_hex(text, binary) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s/" IMAGE_FOLDER "/%s: holds no image's name; %s",
                         state_path(), name, how_to_build);
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
    if (r == 0 && manifest_has_disk(manifest))
        r = open_part(image, folder_fd, folder, DISK, &manifest->disk.file, err);
    return r;
}

static int open_folder(int *ret_fd, struct error *err)
{
    CLEANUP_FD int state_fd = -1;
    int r = state_open(&state_fd, err);

    return r < 0 ? r : state_open_folder(state_fd, IMAGE_FOLDER, ret_fd, err);
}

/* By its digest, or where that is NULL the default one of the GPU, or of none. */
static int open_image(const char *digest, const char *gpu, struct image **ret_image, struct error *err)
{
    uint8_t binary[SHA256_SIZE];
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
        r = open_folder(&folder_fd, err);
        if (r == 0)
            r = read_default(folder_fd, gpu, image->digest, err);
    }
    if (r == 0)
        r = open_parts(image, err);
    if (r == 0)
        *ret_image = TAKE_POINTER(image);
    return r;
}

int image_open(const char *digest, struct image **ret_image, struct error *err)
{
    return open_image(digest, NULL, ret_image, err);
}

int image_open_gpu(enum manifest_gpu gpu, struct image **ret_image, struct error *err)
{
    CLEANUP_IMAGE struct image *image = NULL;
    int r = open_image(NULL, manifest_gpu_names[gpu], &image, err);

    if (r < 0)
        return r;
    if (!manifest_has_disk(&image->manifest) || image->manifest.disk.gpu != gpu)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s/" IMAGE_FOLDER "/" IMAGE_DEFAULT_FILE "-%s: names an image of another kind; make one by "
                         "`lazaret image build --gpu %s`",
                         state_path(), manifest_gpu_names[gpu], manifest_gpu_names[gpu]);
    *ret_image = TAKE_POINTER(image);
    return 0;
}

bool image_has_gpu(enum manifest_gpu gpu)
{
    CLEANUP_FD int folder_fd = -1;
    char name[IMAGE_NAME_MAX];

    name_default(manifest_gpu_names[gpu], name);
    return open_folder(&folder_fd, NULL) == 0 && faccessat(folder_fd, name, F_OK, 0) == 0;
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

const char *image_disk_path(const struct image *image)
{
    return image->paths[DISK];
}

int image_disk_fd(const struct image *image)
{
    return image->fds[DISK];
}
