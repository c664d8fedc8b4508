/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One IDX file, plain or gzip: an array with the shape before its elements.
 *
 * Format: the MNIST files' own description ("THE IDX FILE FORMAT"): two bytes 0, the type, the number of
 * dimensions, each dimension as 4 bytes, the elements; all big-endian. Read as a stream, in constant memory.
 * Errors as inflate.h.
 */
#ifndef LAZARET_HOST_DATA_IDX_H
#define LAZARET_HOST_DATA_IDX_H

#include "host/data/npy.h"

#define IDX_HEADER_MAX (4u + 4u * NPY_RANK_MAX)

/* Whether these are the first four bytes of an IDX file of any element type. */
bool idx_is(const uint8_t magic[4]);

/* Parses a header of `size` bytes, at least 4; -EAGAIN where it is longer than that. ERROR_BAD_INPUT. */
MUST_USE int idx_parse(const uint8_t *bytes, size_t size, struct npy_header *ret_header, size_t *ret_size,
                       struct error *err);

struct idx;

MUST_USE int idx_open(int fd, uint64_t file_size, struct idx **ret_idx, struct error *err);
void idx_close(struct idx *idx);
const struct npy_header *idx_header(const struct idx *idx);

/* The next `count` elements, little-endian. */
MUST_USE int idx_read(struct idx *idx, void *ret_bytes, size_t count, struct error *err);
MUST_USE int idx_finish(struct idx *idx, struct error *err);

#endif
