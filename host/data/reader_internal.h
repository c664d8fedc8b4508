/* SPDX-License-Identifier: Apache-2.0 */
/* The controller's side of the data reader: what reader.c and reader_files.c share. */
#ifndef LAZARET_HOST_DATA_READER_INTERNAL_H
#define LAZARET_HOST_DATA_READER_INTERNAL_H

#include "host/data/reader.h"
#include "host/data/serve.h"

/* What tells a file from any other, and from itself changed; given 0: there is none. */
struct reader_identity {
    uint64_t given, device, inode, size;
    int64_t modified_s, modified_ns, changed_s, changed_ns;
};

struct data_reader {
    pid_t pid;  /* -1: ended, or another process's */
    int socket; /* -1: ended */
    struct data_serve_files files;
    char *names[DATA_FILE_NONE];
    int (*known)(void *context, int fd, uint8_t ret_digest[SHA256_SIZE]);
    void *known_context;
    int folder;                                        /* of the spec; -1: none */
    int arrays[DATA_ARRAY_COUNT];                      /* files that it names; -1: none */
    struct reader_identity identities[DATA_FILE_NONE]; /* as they were when the files were taken */
    struct data_description *borrowed;                 /* owned; NULL: the reader is its own process's */
    bool described;
    struct data_set_description sets[DATA_SET_COUNT];
    uint32_t classes;
};

/* reader_loan.c */
MUST_USE int reader_identify(int fd, struct reader_identity *ret_identity);

/* reader.c: a reader by another process's socket, which becomes its own. */
MUST_USE int reader_adopt(const struct data_files *files, int socket, const struct data_description *description,
                          struct data_reader **ret_reader, struct error *err);

/* reader.c: one request; its answer, DATA replies of exactly `total` bytes and the end, or the end alone. */
MUST_USE int reader_send_request(struct data_reader *reader, enum data_operation operation, uint32_t set,
                                 uint64_t first, uint64_t count, uint64_t deadline_ns, struct error *err);
MUST_USE int reader_read_stream(struct data_reader *reader, void *ret_bytes, size_t total, uint64_t deadline_ns,
                                struct error *err);
MUST_USE int reader_read_end(struct data_reader *reader, uint64_t deadline_ns, struct error *err);

/* What went wrong with the socket, or with what came through it, as an error. */
int reader_report_io(struct data_reader *reader, int code, struct error *err);
int reader_report_nonsense(struct error *err);

/* reader_files.c: digests of all files, and the data digest over them. */
MUST_USE int reader_hash_files(const struct data_reader *reader, uint64_t deadline_ns,
                               struct data_description *description, struct error *err);

/* Opens, hashes and hands over the files that the spec names; entries by enum data_array, empty names where none. */
MUST_USE int reader_send_arrays(struct data_reader *reader, uint64_t deadline_ns,
                                struct data_array_description *ret_arrays, struct error *err);

#endif
