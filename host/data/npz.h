/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays of an .npz file: members of a zip archive, each a .npy, read as a stream.
 *
 * The archive is read by libarchive's zip reader alone, through the central directory; members are
 * stored or deflated, nothing else. Memory is constant: a member is never held. Errors are
 * ERROR_BAD_INPUT and name the array; -ENOMEM (ERROR_UNAVAILABLE) where the archive's directory is
 * too large for the process, -EIO (ERROR_NO_INPUT) where the file can't be read.
 */
#ifndef LAZARET_HOST_DATA_NPZ_H
#define LAZARET_HOST_DATA_NPZ_H

#include "host/data/npy.h"

#define NPZ_MEMBERS_MAX 4096u

/* Which of the arrays that matter a file has. */
struct npz_contents {
    bool has_x, has_y, has_mask;
};

/*
 * Loads what libarchive needs of the system: time zone, character conversion. To be called before a
 * process is confined; after it reading needs pread64 and memory only.
 */
void npz_prepare(void);

/* Walks the archive's directory. Refuses what is no zip file, has no `x`, or has one of them twice. */
MUST_USE int npz_inspect(int fd, uint64_t file_size, struct npz_contents *ret_contents, struct error *err);

struct npz_array;

/* Opens the array `name` ("x" is the member x.npy) and parses its header. The fd is borrowed. */
MUST_USE int npz_open(int fd, uint64_t file_size, const char *name, struct npz_array **ret_array, struct error *err);
void npz_close(struct npz_array *array);

const struct npy_header *npz_header(const struct npz_array *array);

/* The next `count` elements as they stand in the file. The file ending early is an error. */
MUST_USE int npz_read(struct npz_array *array, void *ret_bytes, size_t count, struct error *err);

/* After the last element: nothing may follow, and the archive's checksum must be right. */
MUST_USE int npz_finish(struct npz_array *array, struct error *err);

#endif
