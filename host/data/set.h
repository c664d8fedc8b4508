/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One data set: a file's x and, where labelled, y, checked and streamed.
 *
 * Opening reads the two headers. data_set_validate() reads everything once: every value finite and
 * within the contract's range, every label within the classes. Then samples and labels stream in
 * order; each stream's digest is compared with the first pass's, so that a file changed underway is
 * noticed. Memory: one block, or one sample where it must be turned into the model's layout.
 *
 * Errors are ERROR_BAD_INPUT with array, sample, element and remedy; the caller adds the file's name.
 */
#ifndef LAZARET_HOST_DATA_SET_H
#define LAZARET_HOST_DATA_SET_H

#include "host/data/description.h"
#include "host/data/source.h"
#include "host/data/spec.h"

struct data_set;

/* The spec is borrowed, the descriptors too. */
MUST_USE int data_set_open(const struct source_files *files, const struct spec *spec, struct data_set **ret_set,
                           struct error *err);
void data_set_free(struct data_set *set);

/* What the headers say: count, rank, dims, elements, whether there are labels. The rest is zero. */
void data_set_shape(const struct data_set *set, struct data_set_description *ret_description);

/* Reads it all; to be called once, before the streams. Digest and file size are left to the caller. */
MUST_USE int data_set_validate(struct data_set *set, struct data_set_description *ret_description, struct error *err);

/* Takes `size` bytes of a stream; returns 0 or -errno, which ends the stream. */
typedef int data_set_sink(void *context, const void *bytes, size_t size);

/*
 * Gives samples [first, first + count) to the sink as f32 in the model's layout. Windows follow one
 * another; `first` 0 begins again; anything else is -EINVAL (ERROR_INTERNAL).
 */
MUST_USE int data_set_window(struct data_set *set, uint64_t first, uint64_t count, data_set_sink *sink, void *context,
                             struct error *err);

/* Gives all labels, the offset applied, to the sink as i32. */
MUST_USE int data_set_labels(struct data_set *set, data_set_sink *sink, void *context, struct error *err);

#endif
