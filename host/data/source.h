/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data set's file, of whatever format, as named arrays: x, y, mask.
 *
 * The format is told from the content: .npz (npz.h), IDX images with a file of labels beside them (idx.h),
 * .safetensors (safetensors.h). Errors name the array, or say that they are about the file of labels.
 */
#ifndef LAZARET_HOST_DATA_SOURCE_H
#define LAZARET_HOST_DATA_SOURCE_H

#include "host/data/npy.h"

struct source_files { /* borrowed */
    int fd;
    uint64_t size;
    int labels_fd; /* -1: none; for IDX alone */
    uint64_t labels_size;
};

struct source;

/* What npz.h and safetensors.h need of the system: before a process is confined. */
void source_prepare(void);

/* Recognises the format and reads what it has of a directory. */
MUST_USE int source_open(const struct source_files *files, struct source **ret_source, struct error *err);
void source_close(struct source *source);

bool source_has(const struct source *source, const char *name);

struct source_array;

/* Opens an array at its start and parses its header. Several may be open at once; the source outlives them. */
MUST_USE int source_array_open(const struct source *source, const char *name, struct source_array **ret_array,
                               struct error *err);
void source_array_close(struct source_array *array);
const struct npy_header *source_array_header(const struct source_array *array);

/* The next `count` elements, little-endian; after the last one, that nothing follows and checksums hold. */
MUST_USE int source_array_read(struct source_array *array, void *ret_bytes, size_t count, struct error *err);
MUST_USE int source_array_finish(struct source_array *array, struct error *err);

static inline void source_array_drop(struct source_array **array)
{
    source_array_close(*array);
}
#define CLEANUP_SOURCE_ARRAY CLEANUP(source_array_drop)

#endif
