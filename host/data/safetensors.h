/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays of a .safetensors file, read as a stream.
 *
 * Format: safetensors' own description: u64le size of the header, the header (a JSON object: for each tensor
 * dtype, shape and data_offsets; texts in __metadata__), the tensors' bytes, little-endian. What its
 * authors' reader refuses is refused here too: tensors that overlap or leave holes, bytes that belong to
 * none, a header that is too large or not an object. Errors are ERROR_BAD_INPUT and name byte or tensor.
 */
#ifndef LAZARET_HOST_DATA_SAFETENSORS_H
#define LAZARET_HOST_DATA_SAFETENSORS_H

#include "host/data/npy.h"

#define SAFETENSORS_HEADER_MAX  (UINT64_C(1) << 20)
#define SAFETENSORS_TENSORS_MAX 4096u
#define SAFETENSORS_NAME_MAX    64u /* of a tensor, as far as messages show it */

struct safetensors;

/* Whether these first nine bytes could begin such a file of `file_size` bytes. */
bool safetensors_is(const uint8_t bytes[9], uint64_t file_size);

/* Jansson's seed: to be called before a process is confined. */
void safetensors_prepare(void);

/* Reads and checks the whole header. The fd is borrowed. */
MUST_USE int safetensors_open(int fd, uint64_t file_size, struct safetensors **ret_file, struct error *err);
void safetensors_close(struct safetensors *file);

/* Whether it has a tensor of this name. */
bool safetensors_has(const struct safetensors *file, const char *name);

/* A tensor's type and shape. ERROR_BAD_INPUT for a type that no data set may have; -ENOENT where there is none. */
MUST_USE int safetensors_find(const struct safetensors *file, const char *name, struct npy_header *ret_header,
                              uint64_t *ret_offset, struct error *err);

/* The tensors' names for a message, as many as fit. */
void safetensors_list(const struct safetensors *file, char *ret_text, size_t size);

#endif
