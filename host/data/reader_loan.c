/* SPDX-License-Identifier: Apache-2.0 */
/* A data reader lent to another process. */
#include "host/data/reader_loan.h"

#include "base/io.h"
#include "host/data/reader_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_FORMAT 1u
#define IDLE_MS       1000u /* how long an idle reader may take to say so */

/* What is in the memory file: our own bytes, read by the same program. */
struct loan_record {
    uint32_t format, size;
    struct reader_identity files[DATA_FILE_NONE];
    struct data_description description;
};

int reader_identify(int fd, struct reader_identity *ret_identity)
{
    struct reader_identity identity;
    struct stat status;

    memset(&identity, 0, sizeof identity); /* its padding is compared too */
    if (fd >= 0) {
        if (fstat(fd, &status) < 0)
            return -errno;
        identity.given = 1;
        identity.device = status.st_dev;
        identity.inode = status.st_ino;
        identity.size = (uint64_t)status.st_size;
        identity.modified_s = status.st_mtim.tv_sec;
        identity.modified_ns = status.st_mtim.tv_nsec;
        identity.changed_s = status.st_ctim.tv_sec;
        identity.changed_ns = status.st_ctim.tv_nsec;
    }
    memcpy(ret_identity, &identity, sizeof identity);
    return 0;
}

/* --- lending ----------------------------------------------------------------------------------------------------- */

static int write_record(int fd, const struct loan_record *record)
{
    int r = io_write_full(fd, record, sizeof *record, IO_NO_DEADLINE);

    if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        r = -errno;
    return r;
}

int data_reader_lend(const struct data_reader *reader, const struct data_description *description,
                     struct data_loan *ret_loan, struct error *err)
{
    CLEANUP_FREE struct loan_record *record = calloc(1, sizeof *record);
    CLEANUP_FD int fd = memfd_create("lazaret-data-loan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int r = 0;

    for (size_t i = 0; i < DATA_ARRAY_COUNT; i++)
        if (reader->arrays[i] >= 0)
            return error_set(err, ERROR_UNAVAILABLE, -ENOTSUP, "a spec that names files is not lent");
    if (record == NULL || fd < 0 || !reader->described || reader->socket < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to lend the data reader");
    record->format = RECORD_FORMAT;
    record->size = sizeof *record;
    memcpy(record->files, reader->identities, sizeof record->files);
    record->description = *description;
    r = write_record(fd, record);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "the data reader can't be lent: %s", strerror(-r));
    *ret_loan = (struct data_loan){.record_fd = take_fd(&fd), .socket_fd = reader->socket};
    return 0;
}

/* --- borrowing --------------------------------------------------------------------------------------------------- */

static int read_record(int fd, struct loan_record *record, struct error *err)
{
    int seals = fcntl(fd, F_GET_SEALS);
    ssize_t count = io_pread_full(fd, record, sizeof *record, 0);

    if (seals < 0 || (seals & F_SEAL_WRITE) == 0 || count != (ssize_t)sizeof *record ||
        record->format != RECORD_FORMAT || record->size != sizeof *record)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "the data reader that was lent is of another program");
    return 0;
}

/* The descriptors by enum data_file. */
static void list_files(const struct data_files *files, int ret_fds[DATA_FILE_NONE])
{
    ret_fds[DATA_FILE_TEST] = files->test_fd;
    ret_fds[DATA_FILE_TRAIN] = files->train_fd;
    ret_fds[DATA_FILE_TRIGGERS] = files->triggers_fd;
    ret_fds[DATA_FILE_SPEC] = files->spec_fd;
    ret_fds[DATA_FILE_TEST_LABELS] = files->test_labels_fd;
    ret_fds[DATA_FILE_TRAIN_LABELS] = files->train_labels_fd;
}

static bool are_same(const struct loan_record *record, const struct data_files *files)
{
    int fds[DATA_FILE_NONE];
    struct reader_identity identity;

    list_files(files, fds);
    for (size_t i = 0; i < DATA_FILE_NONE; i++)
        if (reader_identify(fds[i], &identity) < 0 || memcmp(&identity, &record->files[i], sizeof identity) != 0)
            return false;
    return true;
}

int data_reader_borrow(const struct data_loan *loan, const struct data_files *files, struct data_reader **ret_reader,
                       struct error *err)
{
    CLEANUP_FREE struct loan_record *record = malloc(sizeof *record);
    int socket, r;

    if (loan->record_fd < 0)
        return 0;
    if (record == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the data's description");
    r = read_record(loan->record_fd, record, err);
    if (r < 0)
        return r;
    if (!are_same(record, files))
        return 0;
    socket = fcntl(loan->socket_fd, F_DUPFD_CLOEXEC, 3);
    if (socket < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "no descriptor for the data reader: %s", strerror(errno));
    r = reader_adopt(files, socket, &record->description, ret_reader, err);
    return r < 0 ? r : 1;
}

/* --- between loans ------------------------------------------------------------------------------------------------ */

static bool has_same_files(const struct data_reader *reader)
{
    struct reader_identity identity;

    for (size_t i = 0; i < DATA_FILE_NONE; i++)
        if (reader_identify(reader->files.fds[i], &identity) < 0 ||
            memcmp(&identity, &reader->identities[i], sizeof identity) != 0)
            return false;
    return true;
}

/* An answer that was meant for a borrower comes before this one's, and shows. */
bool data_reader_is_idle(struct data_reader *reader)
{
    uint64_t deadline = io_deadline_ms(IDLE_MS), asked = io_now_ns(), answered = 0;

    return reader->described && has_same_files(reader) &&
           reader_send_request(reader, DATA_OPERATION_ECHO, 0, asked, 0, deadline, NULL) == 0 &&
           reader_read_stream(reader, &answered, sizeof answered, deadline, NULL) == 0 && answered == asked;
}
