/* SPDX-License-Identifier: Apache-2.0 */
/* The confined side of the data reader: parses the files, answers the controller. */
#include "host/data/serve.h"

#include "base/io.h"
#include "host/confine/confine.h"
#include "host/data/held.h"

#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

/* One rearranged sample of the largest size is held three times, twice as wide once; and libraries. */
#define SERVE_ADDRESS_SPACE_MAX (UINT64_C(3) << 29)

struct server {
    int socket;
    const struct data_serve_files *files;
    struct spec spec;
    bool spec_read;
    uint8_t *arrays[DATA_ARRAY_COUNT]; /* files that the spec names; owned */
    size_t array_sizes[DATA_ARRAY_COUNT];
    struct data_set *sets[DATA_SET_TRIGGERS]; /* streamed: test and training set */
    struct held_set held[DATA_SET_COUNT];     /* triggers and features */
    enum data_file file;                      /* the one in hand, for errors */
};

/* The files are open; nothing else will be. */
#define OPEN_FILES_MAX 32u

static int confine(int socket, const struct data_serve_files *files, struct error *err)
{
    static const int system_calls[] = {
        SCMP_SYS(pread64), /* the files, by position */
    };
    int keep[DATA_FILE_NONE + 1] = {socket};
    struct confine_profile profile = {
        .name = "lazaret-data",
        .uid = CONFINE_UID_DATA_READER,
        .keep_fds = keep,
        .keep_fd_count = 1,
        .system_calls = system_calls,
        .system_call_count = sizeof system_calls / sizeof system_calls[0],
        .address_space_max = SERVE_ADDRESS_SPACE_MAX,
        .open_files_max = OPEN_FILES_MAX,
    };

    for (size_t i = 0; i < DATA_FILE_NONE; i++)
        if (files->fds[i] >= 0)
            keep[profile.keep_fd_count++] = files->fds[i];
    return confine_self(&profile, err);
}

/* --- replies ----------------------------------------------------------------------------------- */

static int send_reply(int socket, enum data_reply kind, const void *bytes, size_t size)
{
    CLEANUP_BUFFER struct buffer header = buffer_with_limit(DATA_REPLY_HEADER);
    int r = buffer_append_u32le(&header, kind);

    if (r == 0)
        r = buffer_append_u32le(&header, (uint32_t)size);
    if (r == 0)
        r = io_write_full(socket, header.data, header.size, IO_NO_DEADLINE);
    if (r == 0 && size > 0)
        r = io_write_full(socket, bytes, size, IO_NO_DEADLINE);
    return r;
}

/* A data_set_sink. */
static int send_data(void *context, const void *bytes, size_t size)
{
    const struct server *server = context;
    int r = 0;

    for (size_t done = 0; r == 0 && done < size;) {
        size_t part = size - done < DATA_REPLY_MAX ? size - done : DATA_REPLY_MAX;

        r = send_reply(server->socket, DATA_REPLY_DATA, (const uint8_t *)bytes + done, part);
        done += part;
    }
    return r;
}

static void send_error(const struct server *server, const struct error *err)
{
    CLEANUP_BUFFER struct buffer reply = buffer_with_limit(DATA_REPLY_MAX);
    int r = buffer_append_u8(&reply, (uint8_t)server->file);

    if (r == 0)
        r = buffer_append_u8(&reply, (uint8_t)err->kind);
    if (r == 0)
        r = buffer_append_u32le(&reply, (uint32_t)-err->code);
    if (r == 0)
        r = buffer_append(&reply, err->text, strnlen(err->text, sizeof err->text));
    if (r == 0)
        r = send_reply(server->socket, DATA_REPLY_ERROR, reply.data, reply.size);
    (void)r; /* the controller is gone, or sees the socket's end */
}

/* --- operations -------------------------------------------------------------------------------- */

static int read_spec(struct server *server, struct error *err)
{
    uint64_t size = server->files->sizes[DATA_FILE_SPEC];
    CLEANUP_FREE uint8_t *yaml = malloc(SPEC_SIZE_MAX);
    ssize_t count;

    server->file = DATA_FILE_SPEC;
    if (yaml == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read the spec");
    if (size > SPEC_SIZE_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EMSGSIZE, "a spec of %" PRIu64 " bytes; at most %u are read", size,
                         SPEC_SIZE_MAX);
    count = io_pread_full(server->files->fds[DATA_FILE_SPEC], yaml, (size_t)size, 0);
    if (count < 0)
        return error_set(err, ERROR_NO_INPUT, (int)count, "it can't be read: %s", strerror((int)-count));
    return spec_parse(yaml, (size_t)count, &server->spec, err);
}

/* The spec, once: the default one where there is no file. */
static int need_spec(struct server *server, struct error *err)
{
    int r = 0;

    if (server->spec_read)
        return 0;
    spec_default(&server->spec);
    if (server->files->fds[DATA_FILE_SPEC] >= 0)
        r = read_spec(server, err);
    server->spec_read = r == 0;
    return r;
}

static int send_names(struct server *server, struct error *err)
{
    char names[DATA_ARRAY_COUNT][DATA_FILE_NAME_MAX] = {{0}};
    int r = need_spec(server, err);

    for (unsigned i = 0; r == 0 && i < DATA_ARRAY_COUNT; i++)
        (void)snprintf(names[i], sizeof names[i], "%s", server->spec.arrays[i].file);
    return r < 0 ? r : send_data(server, names, sizeof names);
}

/* Takes in a file that the spec names. */
static int receive_array(struct server *server, uint32_t which, uint64_t size, struct error *err)
{
    if (which >= DATA_ARRAY_COUNT || !server->spec_read || server->arrays[which] != NULL || size == 0 ||
        size > DATA_ARRAY_MAX)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "the data reader was given a file that nothing names");
    server->file = DATA_FILE_SPEC;
    server->arrays[which] = malloc((size_t)size);
    if (server->arrays[which] == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a file that it names");
    server->array_sizes[which] = (size_t)size;
    return io_read_full(server->socket, server->arrays[which], (size_t)size, IO_NO_DEADLINE);
}

static struct source_files files_of(const struct server *server, enum data_set_id id)
{
    enum data_file labels = id == DATA_SET_TEST ? DATA_FILE_TEST_LABELS : DATA_FILE_TRAIN_LABELS;
    struct source_files files = {.fd = server->files->fds[id], .size = server->files->sizes[id], .labels_fd = -1};

    if (id == DATA_SET_TRIGGERS)
        return files;
    files.labels_fd = server->files->fds[labels];
    files.labels_size = server->files->sizes[labels];
    return files;
}

static int open_set(struct server *server, enum data_set_id id, struct data_set_description *ret_shape,
                    struct error *err)
{
    const struct source_files files = files_of(server, id);
    int r;

    server->file = (enum data_file)id;
    r = data_set_open(&files, &server->spec, &server->sets[id], err);
    if (r == 0)
        data_set_shape(server->sets[id], ret_shape);
    return r;
}

/* The two sets that are held. */
static int make_held(struct server *server, struct data_description *description, struct error *err)
{
    const struct data_set_description *test = &description->sets[DATA_SET_TEST];
    const struct source_files triggers = files_of(server, DATA_SET_TRIGGERS);
    int r = 0;

    server->file = DATA_FILE_SPEC;
    for (unsigned i = 0; i < DATA_ARRAY_COUNT; i++)
        if (server->spec.arrays[i].file[0] != '\0' && server->arrays[i] == NULL)
            return error_set(err, ERROR_INTERNAL, -EPROTO, "a file that it names was not sent");
    if (spec_has_features(&server->spec))
        r = held_set_make_features(&server->spec, test, (const uint8_t *const *)server->arrays, server->array_sizes,
                                   &server->held[DATA_SET_FEATURES], err);
    if (r < 0)
        return r;
    server->file = DATA_FILE_TRIGGERS;
    if (triggers.fd >= 0)
        r = held_set_read_triggers(&triggers, &server->spec, test, &server->held[DATA_SET_TRIGGERS], err);
    for (unsigned i = DATA_SET_TRIGGERS; i < DATA_SET_COUNT; i++)
        description->sets[i] = server->held[i].shape;
    return r;
}

static int check_same_shape(const struct data_set_description *test, const struct data_set_description *train,
                            struct error *err)
{
    if (train->rank == test->rank && memcmp(train->dims, test->dims, sizeof test->dims) == 0)
        return 0;
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                     "array x: its samples are not shaped like the test set's (%" PRIu64
                     " elements in %u dimensions there, %" PRIu64
                     " in %u here, or other dimensions); both sets must fit the model",
                     test->elements, test->rank, train->elements, train->rank);
}

/* All headers first, so that what can be refused quickly is; then both sets in full. */
static int examine(struct server *server, struct data_description *description, struct error *err)
{
    struct data_set_description *test = &description->sets[DATA_SET_TEST];
    struct data_set_description *train = &description->sets[DATA_SET_TRAIN];
    bool has_train = server->files->fds[DATA_FILE_TRAIN] >= 0;
    int r = need_spec(server, err);

    if (r == 0)
        r = open_set(server, DATA_SET_TEST, test, err);
    if (r == 0)
        r = spec_resolve(&server->spec, test->rank, test->dims, err);
    if (r == 0 && has_train) {
        r = open_set(server, DATA_SET_TRAIN, train, err);
        if (r == 0)
            r = check_same_shape(test, train, err);
    }
    if (r == 0)
        r = make_held(server, description, err);
    if (r < 0)
        return r;
    server->file = DATA_FILE_TEST;
    r = data_set_validate(server->sets[DATA_SET_TEST], test, err);
    if (r == 0 && has_train) {
        server->file = DATA_FILE_TRAIN;
        r = data_set_validate(server->sets[DATA_SET_TRAIN], train, err);
    }
    description->contract = server->spec.contract;
    return r;
}

static int describe(struct server *server, struct error *err)
{
    CLEANUP_FREE struct data_description *description = calloc(1, sizeof *description);
    CLEANUP_BUFFER struct buffer record = buffer_with_limit(DATA_DESCRIPTION_RECORD_MAX);
    int r;

    if (description == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to describe the data");
    r = examine(server, description, err);
    if (r < 0)
        return r;
    server->file = DATA_FILE_NONE;
    r = data_description_encode(description, &record);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the data's description can't be written");
    return send_data(server, record.data, record.size);
}

static int answer(struct server *server, struct cursor *request, struct error *err)
{
    uint32_t operation, set;
    uint64_t first, count;
    int r = cursor_read_u32le(request, &operation);

    if (r == 0)
        r = cursor_read_u32le(request, &set);
    if (r == 0)
        r = cursor_read_u64le(request, &first);
    if (r == 0)
        r = cursor_read_u64le(request, &count);
    if (r == 0 && operation == DATA_OPERATION_DESCRIBE && server->sets[DATA_SET_TEST] == NULL)
        return describe(server, err);
    if (r == 0 && operation == DATA_OPERATION_ECHO)
        return send_data(server, &first, sizeof first);
    if (r == 0 && operation == DATA_OPERATION_SPEC)
        return send_names(server, err);
    if (r == 0 && operation == DATA_OPERATION_ARRAY)
        return receive_array(server, set, count, err);
    if (r == 0 && operation == DATA_OPERATION_WINDOW && set < DATA_SET_COUNT && server->held[set].shape.present) {
        server->file = set == DATA_SET_TRIGGERS ? DATA_FILE_TRIGGERS : DATA_FILE_SPEC;
        return held_set_window(&server->held[set], first, count, send_data, server, err);
    }
    if (r < 0 || operation >= DATA_OPERATION_COUNT || set >= DATA_SET_TRIGGERS || server->sets[set] == NULL)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "the data reader was asked for something that is not there");
    server->file = (enum data_file)set;
    if (operation == DATA_OPERATION_LABELS)
        return data_set_labels(server->sets[set], send_data, server, err);
    return data_set_window(server->sets[set], first, count, send_data, server, err);
}

int data_serve(int socket, const struct data_serve_files *files)
{
    CLEANUP_FREE struct server *server = calloc(1, sizeof *server);
    struct error err = {0};
    int r;

    if (server == NULL)
        return 1;
    server->socket = socket;
    server->files = files;
    server->file = DATA_FILE_NONE;
    source_prepare();
    r = confine(socket, files, &err);
    while (r == 0) {
        uint8_t request[DATA_REQUEST_SIZE];
        struct cursor cursor = cursor_over(request, sizeof request);

        if (io_read_full(socket, request, sizeof request, IO_NO_DEADLINE) < 0)
            break; /* the controller has what it wants, or is gone */
        r = answer(server, &cursor, &err);
        if (r == 0)
            r = send_reply(socket, DATA_REPLY_END, NULL, 0);
    }
    if (r < 0 && err.kind != ERROR_NONE)
        send_error(server, &err);
    for (size_t i = 0; i < DATA_SET_TRIGGERS; i++)
        data_set_free(server->sets[i]);
    for (size_t i = 0; i < DATA_SET_COUNT; i++)
        held_set_free(&server->held[i]);
    for (size_t i = 0; i < DATA_ARRAY_COUNT; i++)
        free(server->arrays[i]);
    return r < 0 ? 1 : 0;
}
