/* SPDX-License-Identifier: Apache-2.0 */
/* The model's bytes in memory: written once, in order, then sealed. Nothing here looks at them. */
#ifndef LAZARET_GUEST_AGENT_MODEL_FILE_H
#define LAZARET_GUEST_AGENT_MODEL_FILE_H

#include "base/error.h"

#include <stddef.h>

/* An empty memory file that can be sealed. */
MUST_USE int model_file_open(int *ret_fd, struct error *err);

/* Appends bytes. */
MUST_USE int model_file_append(int fd, const void *data, size_t size, struct error *err);

/* From now on nobody can write, grow or shrink it, nor lift the seals. */
MUST_USE int model_file_seal(int fd, struct error *err);

#endif
