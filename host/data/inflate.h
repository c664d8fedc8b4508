/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file read from its start to its end, gzip taken off where there is any.
 *
 * gzip (RFC 1952) is recognised by its magic, never by a name. Memory is constant; nothing is produced
 * but what is asked for, so that a small file which inflates for ever costs no more than its reader
 * asks. Errors are ERROR_BAD_INPUT; -EIO is ERROR_NO_INPUT, -ENOMEM ERROR_UNAVAILABLE.
 */
#ifndef LAZARET_HOST_DATA_INFLATE_H
#define LAZARET_HOST_DATA_INFLATE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inflate;

/* The fd is borrowed, and read by position. */
MUST_USE int inflate_open(int fd, uint64_t file_size, struct inflate **ret_stream, struct error *err);
void inflate_close(struct inflate *stream);

/* Whether the file is gzip: its content's size is then not known before its end. */
bool inflate_is_compressed(const struct inflate *stream);

/* The next bytes of the content, at most `size`; fewer only at its end. */
MUST_USE int inflate_read(struct inflate *stream, void *ret_bytes, size_t size, size_t *ret_count, struct error *err);

/* Nothing may follow what has been read; gzip's checksum and length must be right. */
MUST_USE int inflate_finish(struct inflate *stream, struct error *err);

#endif
