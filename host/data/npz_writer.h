/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes arrays into an .npz file that numpy.load() reads: a zip archive of stored .npy members.
 *
 * The same arrays give the same bytes: members are dated 1980-01-01, nothing names user or machine.
 * Formats: numpy's NPY 1.0; PKWARE's APPNOTE 6.3.9, sections 4.3.7, 4.3.12 and 4.3.16, without zip64,
 * so that a file stays below 4 GiB.
 */
#ifndef LAZARET_HOST_DATA_NPZ_WRITER_H
#define LAZARET_HOST_DATA_NPZ_WRITER_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define NPZ_WRITER_RANK_MAX    8u
#define NPZ_WRITER_MEMBERS_MAX 4096u
#define NPZ_WRITER_NAME_MAX    64u /* bytes of an array's name: printable ASCII without / and \ */

struct npz_writer;

/* Begins a file at the descriptor's offset 0; the descriptor is borrowed. */
MUST_USE int npz_writer_create(int fd, struct npz_writer **ret_writer, struct error *err);
void npz_writer_free(struct npz_writer *writer);

/*
 * Adds an array of the product of `dims` elements in C order. -EEXIST for a name used before,
 * -EINVAL for a bad name or shape, -EFBIG beyond 4 GiB (all ERROR_INTERNAL); ERROR_UNAVAILABLE with
 * -ENOSPC, -ENOMEM or another errno where it can't be written.
 */
MUST_USE int npz_writer_add_f32(struct npz_writer *writer, const char *name, uint32_t rank, const uint64_t *dims,
                                const float *values, struct error *err);
MUST_USE int npz_writer_add_i32(struct npz_writer *writer, const char *name, uint32_t rank, const uint64_t *dims,
                                const int32_t *values, struct error *err);

/* Writes the archive's directory; the file is complete after it, not before. Not synced. */
MUST_USE int npz_writer_finish(struct npz_writer *writer, struct error *err);

#endif
