/* SPDX-License-Identifier: Apache-2.0 */
/* Makes small .npz files in memory. */
#include "zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ZEROS_BLOCK ((size_t)1 << 20)

static bool write_zeros(struct archive *archive, uint64_t count)
{
    static const uint8_t zeros[ZEROS_BLOCK];

    while (count > 0) {
        size_t part = count < sizeof zeros ? (size_t)count : sizeof zeros;

        if (archive_write_data(archive, zeros, part) != (la_ssize_t)part)
            return false;
        count -= part;
    }
    return true;
}

static bool write_member(struct archive *archive, const struct zip_member *member)
{
    struct archive_entry *entry = archive_entry_new();
    bool ok;

    archive_entry_set_pathname(entry, member->name);
    archive_entry_set_size(entry, (la_int64_t)(member->size + member->zeros));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    ok = archive_write_header(archive, entry) == ARCHIVE_OK &&
         archive_write_data(archive, member->data, member->size) == (la_ssize_t)member->size &&
         write_zeros(archive, member->zeros);
    archive_entry_free(entry);
    return ok;
}

int zip_make(const struct zip_member *members, size_t count, const char *compression)
{
    int fd = memfd_create("test.npz", MFD_CLOEXEC);
    struct archive *archive = archive_write_new();
    bool ok;

    ok = fd >= 0 && archive_write_set_format_zip(archive) == ARCHIVE_OK &&
         archive_write_set_format_option(archive, "zip", "compression",
                                         compression != NULL ? compression : "deflate") == ARCHIVE_OK &&
         archive_write_open_fd(archive, fd) == ARCHIVE_OK;
    for (size_t i = 0; ok && i < count; i++)
        ok = write_member(archive, &members[i]);
    ok = archive_write_close(archive) == ARCHIVE_OK && ok;
    (void)archive_write_free(archive);
    if (!ok && fd >= 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

struct buffer zip_npy(const char *descr, const char *shape, const void *data, size_t size)
{
    struct buffer array = buffer_with_limit((size_t)1 << 30);
    char header[512];
    size_t length;
    int r;

    (void)snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
    length = strlen(header);
    while ((10 + length + 1) % 64 != 0)
        header[length++] = ' ';
    header[length++] = '\n';
    r = buffer_append(&array, "\x93NUMPY\x01\x00", 8);
    if (r == 0)
        r = buffer_append_u16le(&array, (uint16_t)length);
    if (r == 0)
        r = buffer_append(&array, header, length);
    if (r == 0)
        r = buffer_append(&array, data, size);
    if (r < 0)
        abort();
    return array;
}
