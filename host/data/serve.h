/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The confined side of the data reader, and the records that pass between it and the controller.
 *
 * The controller sends a request of DATA_REQUEST_SIZE bytes: u32le operation, u32le set, u64le
 * first, u64le count. The answer is replies, each u32le kind, u32le size (at most DATA_REPLY_MAX),
 * then so many bytes. To SPEC the answer is one DATA reply, DATA_ARRAY_COUNT names of DATA_FILE_NAME_MAX
 * bytes, of the files that the spec names; with ARRAY the controller then sends each of them, `set` being
 * its number and `count` its size, and the bytes behind the request. To ECHO it is one DATA reply, `first` as it was
 * sent. Otherwise DATA replies concatenate to the description's
 * record (one reply), to i32 labels or to f32 samples; the controller knows how many bytes it waits for. END, of size
 * 0, follows: only then has all of it been checked. An ERROR reply, at any place, is u8 file (enum data_file), u8 error
 * kind, u32le errno, then text; the process ends after it.
 */
#ifndef LAZARET_HOST_DATA_SERVE_H
#define LAZARET_HOST_DATA_SERVE_H

#include "host/data/description.h"

#define DATA_REQUEST_SIZE     24u
#define DATA_REPLY_HEADER     8u
#define DATA_REPLY_MAX        (UINT32_C(256) << 10)
#define DATA_REPLY_ERROR_HEAD 6u

enum data_operation {
    DATA_OPERATION_DESCRIBE,
    DATA_OPERATION_LABELS,
    DATA_OPERATION_WINDOW,
    DATA_OPERATION_SPEC,
    DATA_OPERATION_ARRAY,
    DATA_OPERATION_ECHO,
    DATA_OPERATION_COUNT
};
enum data_reply { DATA_REPLY_DATA = 1, DATA_REPLY_ERROR = 2, DATA_REPLY_END = 3 };

/* The sets that have files of their own are the first three, by their identifiers. */
enum data_file {
    DATA_FILE_TEST,
    DATA_FILE_TRAIN,
    DATA_FILE_TRIGGERS,
    DATA_FILE_SPEC,
    DATA_FILE_TEST_LABELS, /* for errors, part of their sets */
    DATA_FILE_TRAIN_LABELS,
    DATA_FILE_NONE,
    DATA_FILE_COUNT
};

struct data_serve_files {
    int fds[DATA_FILE_NONE]; /* -1: no such file */
    uint64_t sizes[DATA_FILE_NONE];
};

/*
 * Confines the process, then answers requests until the socket ends. For a process of its own,
 * which is to _exit() with what this returns: 0, or 1 after an error, which has been sent.
 */
MUST_USE int data_serve(int socket, const struct data_serve_files *files);

#endif
