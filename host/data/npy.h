/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a .npy array, and its elements as numbers.
 *
 * Format: numpy's "NPY format" (numpy.lib.format), versions 1.0 to 3.0: magic, version, length, then
 * a Python dict literal with exactly the keys descr, fortran_order and shape. The literal is parsed
 * strictly, never evaluated. What can't be read safely or exactly is refused with the remedy:
 * pickled objects, structures, big-endian numbers, Fortran order.
 */
#ifndef LAZARET_HOST_DATA_NPY_H
#define LAZARET_HOST_DATA_NPY_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NPY_PREFIX_SIZE  12u    /* enough to know the header's size, in every version */
#define NPY_PREAMBLE_MAX 16384u /* prefix and header together */
#define NPY_RANK_MAX     8u     /* a batch of samples of rank 7 */

enum npy_type { /* all little-endian */
                NPY_F2,
                NPY_F4,
                NPY_F8,
                NPY_I1,
                NPY_I2,
                NPY_I4,
                NPY_I8,
                NPY_U1,
                NPY_U2,
                NPY_U4,
                NPY_U8,
                NPY_BF2, /* bfloat16, which numpy does not have: .safetensors alone */
                NPY_TYPE_COUNT
};

struct npy_header {
    enum npy_type type;
    uint32_t item_size; /* bytes */
    uint32_t rank;      /* 0 for a scalar */
    uint64_t dims[NPY_RANK_MAX];
    uint64_t elements; /* their product; elements × item_size fits 63 bits */
};

/* The size of prefix and header from the first NPY_PREFIX_SIZE bytes. ERROR_BAD_INPUT. */
MUST_USE int npy_preamble_size(const uint8_t prefix[NPY_PREFIX_SIZE], size_t *ret_size, struct error *err);

/* Parses prefix and header, exactly `size` bytes. ERROR_BAD_INPUT names the byte and the remedy. */
MUST_USE int npy_parse(const void *preamble, size_t size, struct npy_header *ret_header, struct error *err);

/* The name that numpy gives a type: "float32", "int64". */
const char *npy_type_name(enum npy_type type);
bool npy_type_is_integer(enum npy_type type);

/* `count` elements as f32: exact for f2, bf2, f4 and integers below 2^24, else rounded to nearest even. */
void npy_to_f32(enum npy_type type, const uint8_t *bytes, size_t count, float *ret_values);

/* One integer element; what is beyond int64_t comes as INT64_MAX. For integer types only. */
int64_t npy_to_integer(enum npy_type type, const uint8_t *bytes);

#endif
