/* SPDX-License-Identifier: Apache-2.0 */
/* Tar archives: headers in 512 bytes (POSIX.1-1988 ustar, POSIX.1-2001 pax, GNU, v7). Internal to the files tar*.c. */
#ifndef LAZARET_GUEST_SCAN_TAR_H
#define LAZARET_GUEST_SCAN_TAR_H

#include "guest/scan/scan.h"

#define TAR_BLOCK    512u
#define TAR_NAME_MAX 4096u /* bytes of a name or a link's target that are kept, with the NUL */

struct tar_header {
    uint64_t size;
    char type;
    bool is_gnu_sparse_extended;
    char name[TAR_NAME_MAX], target[TAR_NAME_MAX];
};

/* Whether a block's checksum is right, as a sum of signed bytes or of unsigned ones. */
bool tar_is_header(const uint8_t block[TAR_BLOCK]);
void tar_parse_header(const uint8_t block[TAR_BLOCK], struct tar_header *ret_header);
/* The records of a pax header ("length key=value\n"): path, linkpath and size; whether it is of a sparse file. */
void tar_apply_pax(struct source *source, uint64_t offset, uint64_t size, struct tar_header *header, bool *has_size,
                   bool *is_sparse);

/* --- torch_tar.c ---------------------------------------------------------------------------------------- */

/*
 * A member of the archives that torch 0.1.10 and older write, by its name: "pickle" and "sys_info" are a pickle,
 * "storages" and "tensors" rows of them with numbers in between. *ret_done: the member was one.
 */
MUST_USE int torch_tar_scan_member(struct scan *scan, const struct scan_object *member, bool *ret_done,
                                   struct error *err);

#endif
