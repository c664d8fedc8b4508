/* SPDX-License-Identifier: Apache-2.0 */
/* Images as tar archives. */
#include "base/io.h"
#include "host/vm/files.h"
#include "host/vm/image_folder.h"
#include "host/vm/image_store.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK_SIZE   65536u
#define MEMBER_COUNT 4u /* and a fifth, the disk of an image that has one */

/* ---- export ------------------------------------------------------------------------------------ */

static int fail_writing(struct archive *archive, struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -EIO, "can't write the archive: %s", archive_error_string(archive));
}

/* Fixed times and owners: the same image makes the same archive. */
static int write_header(struct archive *archive, const char *name, uint64_t size, struct error *err)
{
    struct archive_entry *entry = archive_entry_new();
    int r;

    if (entry == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "export: out of memory");
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0444);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_mtime(entry, 0, 0);
    r = archive_write_header(archive, entry) == ARCHIVE_OK ? 0 : fail_writing(archive, err);
    archive_entry_free(entry);
    return r;
}

static int write_file(struct archive *archive, const struct manifest_file *file, int fd, struct error *err)
{
    CLEANUP_FREE char *data = malloc(BLOCK_SIZE);
    uint64_t offset = 0;
    int r = data == NULL ? error_set(err, ERROR_INTERNAL, -ENOMEM, "export: out of memory")
                         : write_header(archive, file->name, file->size, err);

    while (r == 0 && offset < file->size) {
        ssize_t size = io_pread_full(fd, data, BLOCK_SIZE, offset);

        if (size <= 0)
            return error_set(err, ERROR_BAD_INPUT, -EIO, "%s: became shorter", file->name);
        if (archive_write_data(archive, data, (size_t)size) != size)
            return fail_writing(archive, err);
        offset += (uint64_t)size;
    }
    return r;
}

static int write_members(struct archive *archive, const struct image *image, struct error *err)
{
    const struct manifest *manifest = image_manifest(image);
    CLEANUP_BUFFER struct buffer json = buffer_with_limit(MANIFEST_SIZE_MAX);
    int r = manifest_format(manifest, &json, err);

    if (r == 0)
        r = write_header(archive, MANIFEST_FILE_NAME, json.size, err);
    if (r == 0 && archive_write_data(archive, json.data, json.size) != (la_ssize_t)json.size)
        r = fail_writing(archive, err);
    if (r == 0)
        r = write_file(archive, &manifest->kernel, image_kernel_fd(image), err);
    if (r == 0)
        r = write_file(archive, &manifest->initramfs, image_initramfs_fd(image), err);
    if (r == 0)
        r = write_file(archive, &manifest->agent, image_agent_fd(image), err);
    if (r == 0 && manifest_has_disk(manifest))
        r = write_file(archive, &manifest->disk.file, image_disk_fd(image), err);
    if (r == 0 && archive_write_close(archive) != ARCHIVE_OK)
        r = fail_writing(archive, err);
    return r;
}

int image_store_export(const struct image *image, int fd, struct error *err)
{
    struct archive *archive = archive_write_new();
    int r;

    if (archive == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "export: out of memory");
    if (archive_write_set_format_ustar(archive) != ARCHIVE_OK || archive_write_open_fd(archive, fd) != ARCHIVE_OK)
        r = fail_writing(archive, err);
    else
        r = write_members(archive, image, err);
    (void)archive_write_free(archive);
    return r;
}

/* ---- import ------------------------------------------------------------------------------------ */

static int fail_member(struct error *err, const char *name, const char *why)
{
    char shown[64];
    size_t size = 0;

    for (; name != NULL && name[size] != '\0' && size + 1 < sizeof(shown); size++)
        shown[size] = name[size] >= ' ' && name[size] <= '~' ? name[size] : '?';
    shown[size] = '\0';
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "image archive: member %s: %s", shown, why);
}

/* The next member, which must be the regular file `name` of a known size. */
static int read_header(struct archive *archive, const char *name, uint64_t size_max, uint64_t *ret_size,
                       struct error *err)
{
    struct archive_entry *entry;
    int r = archive_read_next_header(archive, &entry);

    if (r == ARCHIVE_EOF)
        return fail_member(err, name, "is missing");
    if (r != ARCHIVE_OK)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "image archive: no tar archive, or damaged: %s",
                         archive_error_string(archive));
    if (archive_entry_pathname(entry) == NULL || strcmp(archive_entry_pathname(entry), name) != 0)
        return fail_member(err, archive_entry_pathname(entry), "is unknown, or out of order");
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != NULL ||
        archive_entry_symlink(entry) != NULL)
        return fail_member(err, name, "is not a regular file");
    if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) <= 0 ||
        (uint64_t)archive_entry_size(entry) > size_max)
        return fail_member(err, name, "has a size out of range");
    *ret_size = (uint64_t)archive_entry_size(entry);
    return 0;
}

/* Reads exactly `size` bytes of the current member. */
static int read_data(struct archive *archive, const char *name, void *data, size_t size, struct error *err)
{
    size_t done = 0;

    while (done < size) {
        la_ssize_t r = archive_read_data(archive, (char *)data + done, size - done);

        if (r <= 0)
            return fail_member(err, name, "ends early");
        done += (size_t)r;
    }
    return 0;
}

static int import_file(struct archive *archive, int folder_fd, const struct manifest_file *file, struct error *err)
{
    CLEANUP_FREE char *data = malloc(BLOCK_SIZE);
    CLEANUP_FD int fd = openat(folder_fd, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
    uint8_t digest[SHA256_SIZE];
    struct sha256 hash;
    uint64_t size = 0;
    int r;

    if (data == NULL || fd < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", file->name, strerror(errno));
    r = read_header(archive, file->name, file->size, &size, err);
    if (r == 0 && size != file->size)
        r = fail_member(err, file->name, "does not have the manifest's size");
    sha256_start(&hash);
    for (uint64_t done = 0; r == 0 && done < size;) {
        size_t piece = size - done < BLOCK_SIZE ? (size_t)(size - done) : BLOCK_SIZE;

        r = read_data(archive, file->name, data, piece, err);
        if (r < 0)
            break;
        sha256_update(&hash, data, piece);
        r = io_write_full(fd, data, piece, IO_NO_DEADLINE);
        if (r < 0)
            return error_set(err, ERROR_UNAVAILABLE, r, "%s: %s", file->name, strerror(-r));
        done += piece;
    }
    sha256_finish(&hash, digest);
    if (r == 0 && memcmp(digest, file->sha256, sizeof(digest)) != 0)
        r = fail_member(err, file->name, "does not have the manifest's digest");
    return r;
}

static int import_members(struct archive *archive, int folder_fd, char ret_digest[SHA256_HEX_SIZE],
                          char ret_default[IMAGE_NAME_MAX], struct error *err)
{
    char json[MANIFEST_SIZE_MAX];
    struct archive_entry *entry;
    struct manifest manifest;
    uint8_t digest[SHA256_SIZE];
    uint64_t size = 0;
    int r = read_header(archive, MANIFEST_FILE_NAME, sizeof(json), &size, err);

    if (r == 0)
        r = read_data(archive, MANIFEST_FILE_NAME, json, (size_t)size, err);
    if (r == 0)
        r = manifest_parse(json, (size_t)size, &manifest, err);
    if (r == 0)
        r = files_write_new(folder_fd, MANIFEST_FILE_NAME, json, (size_t)size, err);
    if (r == 0)
        r = import_file(archive, folder_fd, &manifest.kernel, err);
    if (r == 0)
        r = import_file(archive, folder_fd, &manifest.initramfs, err);
    if (r == 0)
        r = import_file(archive, folder_fd, &manifest.agent, err);
    if (r == 0 && manifest_has_disk(&manifest))
        r = import_file(archive, folder_fd, &manifest.disk.file, err);
    if (r == 0 && archive_read_next_header(archive, &entry) != ARCHIVE_EOF)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "image archive: more than %u members, or damaged",
                      MEMBER_COUNT + manifest_has_disk(&manifest));
    if (r < 0)
        return r;
    sha256_of(json, (size_t)size, digest);
    sha256_to_hex(digest, ret_digest);
    image_default_name(&manifest, ret_default);
    return 0;
}

int image_store_import(int fd, bool make_default, char ret_digest[SHA256_HEX_SIZE], struct error *err)
{
    CLEANUP_IMAGE_FOLDER struct image_folder folder = {.images_fd = -1, .fd = -1};
    char digest[SHA256_HEX_SIZE], default_name[IMAGE_NAME_MAX];
    struct archive *archive;
    int r = image_folder_make(&folder, err);

    if (r < 0)
        return r;
    archive = archive_read_new();
    if (archive == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "import: out of memory");
    /* Plain tar only: no compression, no other format gets to see the bytes. */
    if (archive_read_support_format_tar(archive) != ARCHIVE_OK ||
        archive_read_open_fd(archive, fd, BLOCK_SIZE) != ARCHIVE_OK)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "image archive: %s", archive_error_string(archive));
    else
        r = import_members(archive, folder.fd, digest, default_name, err);
    (void)archive_read_free(archive);
    if (r == 0)
        r = image_folder_publish(&folder, digest, default_name, make_default, err);
    if (r == 0)
        memcpy(ret_digest, digest, SHA256_HEX_SIZE);
    return r;
}
