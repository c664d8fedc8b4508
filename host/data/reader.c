/* SPDX-License-Identifier: Apache-2.0 */
/* The controller's side of the data reader. */
#include "host/data/reader_internal.h"

#include "base/child.h"
#include "base/io.h"
#include "host/confine/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define READER_END_MS 500u /* how long a process whose socket closed may take to end */

/* --- life -------------------------------------------------------------------------------------- */

static int take_file(struct data_reader *reader, enum data_file which, int fd, const char *name, struct error *err)
{
    struct stat status;

    if (fd < 0)
        return 0;
    name = name != NULL ? name : "the data set";
    if (fstat(fd, &status) < 0 || reader_identify(fd, &reader->identities[which]) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", name, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "%s: not a regular file", name);
    if (status.st_size == 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: the file is empty", name);
    reader->files.fds[which] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    reader->names[which] = strdup(name);
    if (reader->files.fds[which] < 0 || reader->names[which] == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory or descriptor for it", name);
    reader->files.sizes[which] = (uint64_t)status.st_size;
    return 0;
}

/* The child's whole life. */
static _Noreturn void run_child(int socket, const struct data_serve_files *files)
{
    (void)signal(SIGINT, SIG_IGN); /* the controller answers the terminal, and ends this process */
    (void)signal(SIGTERM, SIG_DFL);
    _exit(data_serve(socket, files));
}

static int start_process(struct data_reader *reader, struct error *err)
{
    int lent[1 + DATA_FILE_NONE], pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "can't make a socket for the data reader: %s",
                         strerror(errno));
    lent[0] = pair[1];
    memcpy(lent + 1, reader->files.fds, sizeof reader->files.fds);
    reader->pid = confine_fork(lent, sizeof lent / sizeof lent[0]);
    if (reader->pid == 0)
        run_child(pair[1], &reader->files);
    (void)close(pair[1]);
    reader->socket = pair[0];
    if (reader->pid < 0)
        return confine_fork_failed("the data reader", err);
    if (io_set_nonblocking(reader->socket) < 0)
        return error_set(err, ERROR_INTERNAL, -EIO, "can't set up the data reader's socket");
    return 0;
}

static void free_reader(struct data_reader **reader)
{
    data_reader_free(*reader);
}

static int take_files(struct data_reader *reader, const struct data_files *files, struct error *err)
{
    int r = take_file(reader, DATA_FILE_TEST, files->test_fd, files->test_name, err);

    if (r == 0)
        r = take_file(reader, DATA_FILE_TRAIN, files->train_fd, files->train_name, err);
    if (r == 0)
        r = take_file(reader, DATA_FILE_SPEC, files->spec_fd, files->spec_name, err);
    if (r == 0)
        r = take_file(reader, DATA_FILE_TEST_LABELS, files->test_labels_fd, files->test_name, err);
    if (r == 0)
        r = take_file(reader, DATA_FILE_TRAIN_LABELS, files->train_labels_fd, files->train_name, err);
    return r < 0 ? r : take_file(reader, DATA_FILE_TRIGGERS, files->triggers_fd, files->triggers_name, err);
}

/* Without a process yet. */
static int new_reader(const struct data_files *files, struct data_reader **ret_reader, struct error *err)
{
    CLEANUP(free_reader) struct data_reader *reader = calloc(1, sizeof *reader);
    int r;

    if (reader == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the data reader");
    reader->pid = reader->socket = reader->folder = -1;
    reader->known = files->known;
    reader->known_context = files->known_context;
    for (size_t i = 0; i < DATA_FILE_NONE; i++)
        reader->files.fds[i] = -1;
    for (size_t i = 0; i < DATA_ARRAY_COUNT; i++)
        reader->arrays[i] = -1;
    if (files->test_fd < 0)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "the data reader needs a test set");
    if (files->spec_folder_fd >= 0)
        reader->folder = fcntl(files->spec_folder_fd, F_DUPFD_CLOEXEC, 3);
    r = take_files(reader, files, err);
    if (r == 0)
        *ret_reader = TAKE_POINTER(reader);
    return r;
}

int data_reader_start(const struct data_files *files, struct data_reader **ret_reader, struct error *err)
{
    CLEANUP(free_reader) struct data_reader *reader = NULL;
    int r = new_reader(files, &reader, err);

    if (r == 0)
        r = start_process(reader, err);
    if (r == 0)
        *ret_reader = TAKE_POINTER(reader);
    return r;
}

int reader_adopt(const struct data_files *files, int socket, const struct data_description *description,
                 struct data_reader **ret_reader, struct error *err)
{
    CLEANUP(free_reader) struct data_reader *reader = NULL;
    CLEANUP_FD int fd = socket;
    int r = new_reader(files, &reader, err);

    if (r < 0)
        return r;
    reader->borrowed = malloc(sizeof *reader->borrowed);
    if (reader->borrowed == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the data's description");
    *reader->borrowed = *description;
    reader->socket = take_fd(&fd);
    *ret_reader = TAKE_POINTER(reader);
    return 0;
}

static void kill_process(struct data_reader *reader)
{
    child_kill(reader->pid);
    reader->pid = -1;
}

void data_reader_free(struct data_reader *reader)
{
    if (reader == NULL)
        return;
    kill_process(reader);
    if (reader->socket >= 0)
        (void)close(reader->socket);
    for (size_t i = 0; i < DATA_FILE_NONE; i++) {
        if (reader->files.fds[i] >= 0)
            (void)close(reader->files.fds[i]);
        free(reader->names[i]);
    }
    for (size_t i = 0; i < DATA_ARRAY_COUNT; i++)
        if (reader->arrays[i] >= 0)
            (void)close(reader->arrays[i]);
    if (reader->folder >= 0)
        (void)close(reader->folder);
    free(reader->borrowed);
    free(reader);
}

int data_reader_array_fd(const struct data_reader *reader, enum data_array which)
{
    return reader->arrays[which];
}

pid_t data_reader_pid(const struct data_reader *reader)
{
    return reader->pid;
}

/* Ends the process after a failure; the error stands already. */
static int give_up(struct data_reader *reader, int code)
{
    kill_process(reader);
    if (reader->socket >= 0)
        (void)close(reader->socket);
    reader->socket = -1;
    return code;
}

/* --- failures ---------------------------------------------------------------------------------- */

/* The socket ended without an error: the process died. Says by what. */
static int report_death(struct data_reader *reader, struct error *err)
{
    int status = 0;
    bool ended = reader->pid > 0 && child_wait(reader->pid, &status, io_deadline_ms(READER_END_MS)) == 0;

    if (ended)
        reader->pid = -1;
    if (ended && WIFSIGNALED(status))
        return error_set(err, ERROR_INTERNAL, -ECONNRESET, "the confined data reader died of signal %d%s",
                         WTERMSIG(status), WTERMSIG(status) == SIGSYS ? " (a system call that it may not make)" : "");
    return error_set(err, ERROR_INTERNAL, -ECONNRESET, "the confined data reader ended without an answer");
}

int reader_report_io(struct data_reader *reader, int code, struct error *err)
{
    if (code == -ETIMEDOUT)
        return error_set(err, ERROR_UNAVAILABLE, code, "%s: the data set was not read within its time limit",
                         reader->names[DATA_FILE_TEST]);
    if (code == -ECONNRESET || code == -EPIPE)
        return report_death(reader, err);
    return error_set(err, ERROR_INTERNAL, code, "the data reader's socket failed: %s", strerror(-code));
}

int reader_report_nonsense(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, -EPROTO, "the confined data reader answered nonsense");
}

/* What the process said went wrong; its text is foreign and made printable. */
static int report_error(struct data_reader *reader, const uint8_t *reply, size_t size, struct error *err)
{
    struct cursor cursor = cursor_over(reply, size);
    uint8_t file, kind;
    uint32_t code;
    char text[ERROR_TEXT_MAX];
    size_t length;
    const uint8_t *bytes;
    int r = cursor_read_u8(&cursor, &file);

    if (r == 0)
        r = cursor_read_u8(&cursor, &kind);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &code);
    length = cursor_left(&cursor) < sizeof text - 1 ? cursor_left(&cursor) : sizeof text - 1;
    if (r == 0)
        r = cursor_read_bytes(&cursor, length, &bytes);
    if (r < 0 || file >= DATA_FILE_COUNT || code == 0 || code > 4095)
        return reader_report_nonsense(err);
    if (kind != ERROR_BAD_INPUT && kind != ERROR_NO_INPUT && kind != ERROR_UNAVAILABLE && kind != ERROR_INTERNAL)
        return reader_report_nonsense(err);
    for (size_t i = 0; i < length; i++)
        text[i] = bytes[i] >= 0x20 && bytes[i] <= 0x7e ? (char)bytes[i] : '?';
    text[length] = '\0';
    (void)error_set(err, (enum error_kind)kind, -(int)code, "%s", text);
    if (file < DATA_FILE_NONE && reader->names[file] != NULL)
        (void)error_prefix(err, "%s", reader->names[file]);
    return -(int)code;
}

/* --- requests and replies ---------------------------------------------------------------------- */

int reader_send_request(struct data_reader *reader, enum data_operation operation, uint32_t set, uint64_t first,
                        uint64_t count, uint64_t deadline_ns, struct error *err)
{
    CLEANUP_BUFFER struct buffer request = buffer_with_limit(DATA_REQUEST_SIZE);
    int r;

    if (reader->socket < 0)
        return error_set(err, ERROR_INTERNAL, -EPIPE, "the data reader has ended");
    r = buffer_append_u32le(&request, operation);
    if (r == 0)
        r = buffer_append_u32le(&request, set);
    if (r == 0)
        r = buffer_append_u64le(&request, first);
    if (r == 0)
        r = buffer_append_u64le(&request, count);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory to ask the data reader");
    r = io_write_full(reader->socket, request.data, request.size, deadline_ns);
    return r < 0 && r != -EPIPE ? reader_report_io(reader, r, err)
                                : 0; /* a dead process may have left its error to read */
}

/* Reads one reply: DATA of at most `capacity` bytes to ret_bytes, END where that is 0, or the ERROR, reported. */
static int read_reply(struct data_reader *reader, void *ret_bytes, size_t capacity, size_t *ret_size,
                      uint64_t deadline_ns, struct error *err)
{
    uint8_t header[DATA_REPLY_HEADER] = {0};
    struct cursor cursor = cursor_over(header, sizeof header);
    uint8_t text[DATA_REPLY_ERROR_HEAD + ERROR_TEXT_MAX];
    uint32_t kind, size;
    int r = io_read_full(reader->socket, header, sizeof header, deadline_ns);

    if (r < 0)
        return reader_report_io(reader, r, err);
    if (cursor_read_u32le(&cursor, &kind) < 0 || cursor_read_u32le(&cursor, &size) < 0 || size > DATA_REPLY_MAX)
        return reader_report_nonsense(err);
    if (kind == DATA_REPLY_ERROR && size <= sizeof text) {
        r = io_read_full(reader->socket, text, size, deadline_ns);
        return r < 0 ? reader_report_io(reader, r, err) : report_error(reader, text, size, err);
    }
    if (kind != (capacity > 0 ? DATA_REPLY_DATA : DATA_REPLY_END) || size > capacity || (size == 0 && capacity > 0))
        return reader_report_nonsense(err);
    r = size > 0 ? io_read_full(reader->socket, ret_bytes, size, deadline_ns) : 0;
    if (r < 0)
        return reader_report_io(reader, r, err);
    *ret_size = size;
    return 0;
}

/* The answer's end; what was read before it counts only now. */
int reader_read_end(struct data_reader *reader, uint64_t deadline_ns, struct error *err)
{
    uint8_t nothing;
    size_t size = 0;

    return read_reply(reader, &nothing, 0, &size, deadline_ns, err);
}

/* Reads DATA replies of exactly `total` bytes together, and the end. */
int reader_read_stream(struct data_reader *reader, void *ret_bytes, size_t total, uint64_t deadline_ns,
                       struct error *err)
{
    for (size_t done = 0; done < total;) {
        size_t size = 0;
        int r = read_reply(reader, (uint8_t *)ret_bytes + done, total - done, &size, deadline_ns, err);

        if (r < 0)
            return r;
        done += size;
    }
    return reader_read_end(reader, deadline_ns, err);
}

/* --- the calls --------------------------------------------------------------------------------- */

static int read_description(struct data_reader *reader, uint64_t deadline_ns, struct data_description *ret_description,
                            struct error *err)
{
    CLEANUP_FREE uint8_t *record = malloc(DATA_REPLY_MAX);
    struct cursor cursor;
    size_t size = 0;
    int r;

    if (record == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the data's description");
    r = read_reply(reader, record, DATA_DESCRIPTION_RECORD_MAX, &size, deadline_ns, err);
    if (r == 0)
        r = reader_read_end(reader, deadline_ns, err);
    if (r < 0)
        return r;
    cursor = cursor_over(record, size);
    if (data_description_decode(&cursor, ret_description) < 0)
        return reader_report_nonsense(err);
    for (unsigned i = 0; i <= DATA_FILE_TRIGGERS; i++)
        if (ret_description->sets[i].present != (reader->files.fds[i] >= 0))
            return reader_report_nonsense(err);
    return 0;
}

/* By the process, and what is worked out here. */
static int examine(struct data_reader *reader, uint64_t deadline_ns, struct data_description *description,
                   struct error *err)
{
    struct data_array_description arrays[DATA_ARRAY_COUNT] = {0};
    int r = reader_send_arrays(reader, deadline_ns, arrays, err);

    if (r == 0)
        r = reader_send_request(reader, DATA_OPERATION_DESCRIBE, 0, 0, 0, deadline_ns, err);
    if (r == 0)
        r = read_description(reader, deadline_ns, description, err);
    memcpy(description->arrays, arrays, sizeof arrays);
    return r < 0 ? r : reader_hash_files(reader, deadline_ns, description, err);
}

int data_reader_describe(struct data_reader *reader, uint64_t deadline_ns, struct data_description *ret_description,
                         struct error *err)
{
    CLEANUP_FREE struct data_description *description = calloc(1, sizeof *description);
    int r = 0;

    if (description == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the data's description");
    if (reader->borrowed != NULL)
        *description = *reader->borrowed;
    else
        r = examine(reader, deadline_ns, description, err);
    if (r < 0)
        return give_up(reader, r);
    memcpy(reader->sets, description->sets, sizeof reader->sets);
    reader->classes = description->contract.classes;
    reader->described = true;
    *ret_description = *description;
    return 0;
}

/* The file that a set comes from. */
static enum data_file set_file(enum data_set_id set)
{
    return set == DATA_SET_FEATURES ? DATA_FILE_SPEC : (enum data_file)set;
}

/* The set, once it has been described. */
static int find_set(const struct data_reader *reader, enum data_set_id set, const struct data_set_description **ret_set,
                    struct error *err)
{
    if (!reader->described || set >= DATA_SET_COUNT || !reader->sets[set].present)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a data set was asked for before it was described");
    *ret_set = &reader->sets[set];
    return 0;
}

int data_reader_labels(struct data_reader *reader, enum data_set_id set, uint64_t deadline_ns, int32_t **ret_labels,
                       size_t *ret_count, struct error *err)
{
    const struct data_set_description *description = NULL;
    CLEANUP_FREE int32_t *labels = NULL;
    int32_t bound = (int32_t)(reader->classes > 0 ? reader->classes : DATA_CLASSES_MAX);
    int r = find_set(reader, set, &description, err);

    if (r < 0)
        return r;
    if (!description->labelled)
        return error_set(err, ERROR_BAD_INPUT, -ENOENT,
                         "%s: there is no array y, and labels are needed; save them: numpy.savez(path, x=..., y=...)",
                         reader->names[set_file(set)]);
    labels = malloc((size_t)description->count * sizeof *labels);
    if (labels == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory for its labels", reader->names[set_file(set)]);
    r = reader_send_request(reader, DATA_OPERATION_LABELS, set, 0, 0, deadline_ns, err);
    if (r == 0)
        r = reader_read_stream(reader, labels, (size_t)description->count * sizeof *labels, deadline_ns, err);
    for (uint64_t i = 0; r == 0 && i < description->count; i++)
        if (labels[i] < 0 || labels[i] >= bound)
            r = reader_report_nonsense(err);
    if (r < 0)
        return give_up(reader, r);
    *ret_labels = TAKE_POINTER(labels);
    *ret_count = (size_t)description->count;
    return 0;
}

int data_reader_window(struct data_reader *reader, enum data_set_id set, uint64_t first, size_t count, float *ret_x,
                       uint64_t deadline_ns, struct error *err)
{
    const struct data_set_description *description = NULL;
    int r = find_set(reader, set, &description, err);

    if (r < 0)
        return r;
    if (count == 0 || first > description->count || count > description->count - first)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "%s: a window beyond its samples", reader->names[set_file(set)]);
    r = reader_send_request(reader, DATA_OPERATION_WINDOW, set, first, count, deadline_ns, err);
    if (r == 0)
        r = reader_read_stream(reader, ret_x, count * (size_t)description->elements * sizeof *ret_x, deadline_ns, err);
    return r < 0 ? give_up(reader, r) : 0;
}
