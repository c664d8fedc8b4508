/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the data reader: their digests, and those that the spec names. Nothing is parsed here. */
#include "host/data/reader_internal.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define READER_HASH_BLOCK ((size_t)256 * 1024)

/* --- digests ----------------------------------------------------------------------------------- */

static int hash_file(const struct data_reader *reader, enum data_file which, uint64_t deadline_ns,
                     uint8_t ret_digest[SHA256_SIZE], struct error *err)
{
    CLEANUP_FREE uint8_t *block = malloc(READER_HASH_BLOCK);
    uint64_t done = 0;
    struct sha256 hash;

    if (reader->known != NULL && reader->known(reader->known_context, reader->files.fds[which], ret_digest) == 0)
        return 0;
    if (block == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory to hash it", reader->names[which]);
    sha256_start(&hash);
    for (;;) {
        ssize_t count = io_pread_full(reader->files.fds[which], block, READER_HASH_BLOCK, done);

        if (count < 0)
            return error_set(err, ERROR_NO_INPUT, (int)count, "%s: it can't be read: %s", reader->names[which],
                             strerror((int)-count));
        if (count == 0)
            break;
        if (deadline_ns != IO_NO_DEADLINE && io_now_ns() > deadline_ns)
            return error_set(err, ERROR_UNAVAILABLE, -ETIMEDOUT, "%s: it was not read within its time limit",
                             reader->names[which]);
        sha256_update(&hash, block, (size_t)count);
        done += (uint64_t)count;
    }
    if (done != reader->files.sizes[which])
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: the file was changed while it was read; run again",
                         reader->names[which]);
    sha256_finish(&hash, ret_digest);
    return 0;
}

int reader_hash_files(const struct data_reader *reader, uint64_t deadline_ns, struct data_description *description,
                      struct error *err)
{
    static const enum data_file labels[] = {
        [DATA_SET_TEST] = DATA_FILE_TEST_LABELS, [DATA_SET_TRAIN] = DATA_FILE_TRAIN_LABELS};
    int r = 0;

    for (uint32_t i = 0; r == 0 && i <= DATA_FILE_TRIGGERS; i++) {
        struct data_set_description *set = &description->sets[i];

        if (reader->files.fds[i] < 0)
            continue;
        set->file_size = reader->files.sizes[i];
        r = hash_file(reader, (enum data_file)i, deadline_ns, set->sha256, err);
        set->has_labels_file = i < DATA_SET_TRIGGERS && reader->files.fds[labels[i]] >= 0;
        if (r == 0 && set->has_labels_file)
            r = hash_file(reader, labels[i], deadline_ns, set->labels_sha256, err);
    }
    description->has_spec = reader->files.fds[DATA_FILE_SPEC] >= 0;
    if (r == 0 && description->has_spec)
        r = hash_file(reader, DATA_FILE_SPEC, deadline_ns, description->spec_sha256, err);
    if (r == 0)
        data_description_digest(description);
    return r;
}

/* --- files that the spec names ------------------------------------------------------------------- */

/* A plain name of printable ASCII, ended by a NUL: the process that said it has parsed hostile bytes. */
static bool is_plain_name(const char name[DATA_FILE_NAME_MAX])
{
    size_t length = strnlen(name, DATA_FILE_NAME_MAX);

    if (length == DATA_FILE_NAME_MAX || length < 5 || name[0] == '.' || strcmp(name + length - 4, ".npy") != 0)
        return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] < 0x20 || name[i] > 0x7e || name[i] == '/')
            return false;
    return true;
}

static int open_array(struct data_reader *reader, enum data_array which, const char *name, size_t *ret_size,
                      struct error *err)
{
    const char *spec = reader->names[DATA_FILE_SPEC];
    struct stat status;
    int fd;

    if (reader->folder < 0)
        return error_set(err, ERROR_BAD_INPUT, -ENOENT, "%s: it names the file %s, and has no folder", spec, name);
    fd = openat(reader->folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: the file %s that it names, beside it: %s", spec, name,
                         strerror(errno));
    reader->arrays[which] = fd;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0 ||
        (uint64_t)status.st_size > DATA_ARRAY_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EINVAL,
                         "%s: the file %s that it names must be a regular file of 1 to %llu bytes", spec, name,
                         (unsigned long long)DATA_ARRAY_MAX);
    *ret_size = (size_t)status.st_size;
    return 0;
}

/* Opens, hashes and hands over one file. */
static int send_array(struct data_reader *reader, enum data_array which, uint64_t deadline_ns,
                      struct data_array_description *array, struct error *err)
{
    CLEANUP_FREE uint8_t *bytes = NULL;
    size_t size = 0;
    ssize_t count;
    int r = open_array(reader, which, array->name, &size, err);

    if (r < 0)
        return r;
    bytes = malloc(size);
    if (bytes == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory to read it", array->name);
    count = io_pread_full(reader->arrays[which], bytes, size, 0);
    if (count != (ssize_t)size)
        return error_set(err, ERROR_NO_INPUT, count < 0 ? (int)count : -EIO, "%s: it can't be read to its end",
                         array->name);
    sha256_of(bytes, size, array->sha256);
    r = reader_send_request(reader, DATA_OPERATION_ARRAY, which, 0, size, deadline_ns, err);
    if (r < 0)
        return r;
    r = io_write_full(reader->socket, bytes, size, deadline_ns);
    if (r < 0 && r != -EPIPE)
        return reader_report_io(reader, r, err);
    return reader_read_end(reader, deadline_ns, err);
}

int reader_send_arrays(struct data_reader *reader, uint64_t deadline_ns, struct data_array_description *ret_arrays,
                       struct error *err)
{
    char names[DATA_ARRAY_COUNT][DATA_FILE_NAME_MAX] = {{0}};
    int r;

    if (reader->files.fds[DATA_FILE_SPEC] < 0)
        return 0;
    r = reader_send_request(reader, DATA_OPERATION_SPEC, 0, 0, 0, deadline_ns, err);
    if (r == 0)
        r = reader_read_stream(reader, names, sizeof names, deadline_ns, err);
    for (unsigned i = 0; r == 0 && i < DATA_ARRAY_COUNT; i++) {
        if (names[i][0] == '\0')
            continue;
        if (!is_plain_name(names[i]))
            return reader_report_nonsense(err);
        memcpy(ret_arrays[i].name, names[i], sizeof names[i]);
        r = send_array(reader, (enum data_array)i, deadline_ns, &ret_arrays[i], err);
    }
    return r;
}
