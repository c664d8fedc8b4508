/* SPDX-License-Identifier: Apache-2.0 */
/* A whole small file into a buffer with a cap. */
#ifndef LAZARET_HOST_JSON_FILE_H
#define LAZARET_HOST_JSON_FILE_H

#include "base/buffer.h"
#include "base/error.h"

/*
 * Appends the content of a regular file, up to the buffer's limit. ERROR_NO_INPUT with -errno where
 * it can't be opened or is no regular file; ERROR_BAD_INPUT with -EMSGSIZE where it is larger.
 */
MUST_USE int file_read_bounded(const char *path, struct buffer *ret_content, struct error *err);

#endif
