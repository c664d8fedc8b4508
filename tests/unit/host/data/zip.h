/* SPDX-License-Identifier: Apache-2.0 */
/* Makes small .npz files in memory, right and wrong ones. */
#ifndef LAZARET_TESTS_HOST_DATA_ZIP_H
#define LAZARET_TESTS_HOST_DATA_ZIP_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zip_member {
    const char *name; /* "x.npy" */
    const void *data;
    size_t size;
    uint64_t zeros; /* appended after the data */
};

/* A memfd with a zip archive of the members; NULL compression is "deflate". -1 on failure. */
int zip_make(const struct zip_member *members, size_t count, const char *compression);

/* A .npy of version 1.0: header with descr and shape as written, then the data. The caller frees. */
struct buffer zip_npy(const char *descr, const char *shape, const void *data, size_t size);

#endif
