/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of an array file: a Python literal that says which numbers follow, and how many.
 *
 * Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays", versions 1.0 to 3.0; what the types
 * mean is as numpy.dtype reads them. NumPy reads the header with ast.literal_eval, its first versions and some others'
 * readers with eval: what is no literal is code.
 */
#ifndef LAZARET_GUEST_SCAN_NPY_HEADER_H
#define LAZARET_GUEST_SCAN_NPY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NPY_RANK_MAX  64u /* of an array, as NumPy 2's */
#define NPY_DEPTH_MAX 16u /* of types within types */

enum npy_header_end {
    NPY_HEADER_WHOLE,
    NPY_HEADER_CODE,     /* more than a literal, at npy_header.offset */
    NPY_HEADER_NO_ARRAY, /* a literal, but not of an array, or of one that is not understood */
};

struct npy_header {
    size_t offset;      /* of what ended the parse, in the text */
    bool object;        /* items are Python objects, at least in a part: a pickle follows */
    uint64_t item_size; /* bytes */
    uint32_t rank;
    uint64_t shape[NPY_RANK_MAX];
};

/* Parses the text; *ret_header is written in any case. */
enum npy_header_end npy_header_parse(const char *text, size_t size, struct npy_header *ret_header);

/* An item's bytes by its type ("<f8", "|S10", "<U5", "<M8[ns]"); false for a type that is not known. */
bool npy_type_size(const char *text, size_t size, uint64_t *ret_size, bool *ret_object);

/* Bytes of all items; false where that overflows. */
bool npy_header_size(const struct npy_header *header, uint64_t *ret_size);

#endif
