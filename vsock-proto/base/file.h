/* SPDX-License-Identifier: Apache-2.0 */
/* Regular files: opened without waiting on anything else, and small ones read whole into a buffer with a cap. */
#ifndef LAZARET_BASE_FILE_H
#define LAZARET_BASE_FILE_H

#include "base/buffer.h"
#include "base/error.h"

#include <sys/stat.h>

/* What it means that an input could not be opened, by a negative errno: ERROR_NO_INPUT, or ERROR_UNAVAILABLE where this
 * process has no descriptor or memory left for it. */
enum error_kind file_error_kind(int code);

/*
 * Opens a regular file for reading; never waits on a FIFO that nobody writes to. ERROR_NO_INPUT with -errno, -EINVAL
 * where it is something else than a regular file.
 */
MUST_USE int file_open_regular(const char *path, int *ret_fd, struct stat *ret_status, struct error *err);

/*
 * The same of a file that belongs where it lies: a symbolic link (-ELOOP) leads out of its folder, and what is no
 * regular file (-EINVAL) was put in the file's place. Both are ERROR_BAD_INPUT, as the place's content is wrong.
 */
MUST_USE int file_open_own(const char *path, int *ret_fd, struct stat *ret_status, struct error *err);

/* Opens a regular file that is to hold something; its bytes. Errors of file_open_regular(), and ERROR_BAD_INPUT with
 * -ENODATA where it is empty. */
MUST_USE int file_open_filled(const char *path, int *ret_fd, uint64_t *ret_size, struct error *err);

/*
 * Appends the content of a regular file, up to the buffer's limit. ERROR_NO_INPUT with -errno where
 * it can't be opened or is no regular file; ERROR_BAD_INPUT with -EMSGSIZE where it is larger.
 */
MUST_USE int file_read_bounded(const char *path, struct buffer *ret_content, struct error *err);

/* The same of a file that belongs where it lies; errors of file_open_own() too. */
MUST_USE int file_read_own(const char *path, struct buffer *ret_content, struct error *err);

#endif
