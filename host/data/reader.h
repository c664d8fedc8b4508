/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data reader: data sets and specs are parsed in a confined process, never in the controller.
 *
 * The process holds the files and one socket. What it answers is not believed beyond its form: it
 * has parsed hostile bytes. Digests of the files are worked out here, where nothing is parsed.
 * A call that fails ends the reader: later calls answer -EPIPE (ERROR_INTERNAL).
 *
 * Errors name the file as the caller named it: ERROR_BAD_INPUT for its content, ERROR_NO_INPUT where
 * it can't be read, ERROR_UNAVAILABLE for memory and for a deadline that passed (-ETIMEDOUT),
 * ERROR_INTERNAL where the process died or answered nonsense.
 */
#ifndef LAZARET_HOST_DATA_READER_H
#define LAZARET_HOST_DATA_READER_H

#include "host/data/description.h"

struct data_files { /* open for reading, regular files; borrowed, and used by position only */
    int test_fd;
    const char *test_name; /* for messages */
    int train_fd;          /* -1: none */
    const char *train_name;
    int spec_fd; /* -1: none */
    const char *spec_name;
    int spec_folder_fd;                  /* where files that the spec names lie; -1: it may name none */
    int test_labels_fd, train_labels_fd; /* of IDX images; -1: none */
    int triggers_fd;                     /* -1: none */
    const char *triggers_name;
    /* Tells a file's digest where it is known already: 0, or -ENOENT. NULL: each is worked out. */
    int (*known)(void *context, int fd, uint8_t ret_digest[SHA256_SIZE]);
    void *known_context;
};

/* All descriptors -1. */
#define DATA_FILES_NONE                                                                                                \
    {                                                                                                                  \
        .test_fd = -1, .train_fd = -1, .spec_fd = -1, .spec_folder_fd = -1, .test_labels_fd = -1,                      \
        .train_labels_fd = -1, .triggers_fd = -1                                                                       \
    }

struct data_reader;

/* Starts the process. Empty files and what is no regular file are refused at once. */
MUST_USE int data_reader_start(const struct data_files *files, struct data_reader **ret_reader, struct error *err);

/* Kills the process; NULL is fine. */
void data_reader_free(struct data_reader *reader);

/*
 * Reads and checks everything once, however large. To be called once, before what follows.
 * *ret_description is some 36 KiB.
 */
MUST_USE int data_reader_describe(struct data_reader *reader, uint64_t deadline_ns,
                                  struct data_description *ret_description, struct error *err);

/*
 * A set's labels, in order, the label offset applied; each is below the contract's classes, or below
 * DATA_CLASSES_MAX. The array is the caller's to free(). -ENOENT where the set has none.
 */
MUST_USE int data_reader_labels(struct data_reader *reader, enum data_set_id set, uint64_t deadline_ns,
                                int32_t **ret_labels, size_t *ret_count, struct error *err);

/*
 * Samples [first, first + count), count × elements floats in the contract's layout. Windows of one
 * set follow one another; first 0 begins again. The sets' windows may alternate.
 */
MUST_USE int data_reader_window(struct data_reader *reader, enum data_set_id set, uint64_t first, size_t count,
                                float *ret_x, uint64_t deadline_ns, struct error *err);

/* The file of an array that the spec names, once described; -1 where there is none. The reader's own. */
int data_reader_array_fd(const struct data_reader *reader, enum data_array which);

/* The process, for tests and for the journal. */
pid_t data_reader_pid(const struct data_reader *reader);

#endif
