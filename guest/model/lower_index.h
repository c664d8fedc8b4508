/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of element positions, for operators that pick elements by constant indices. Internal to the importer. */
#ifndef LAZARET_GUEST_MODEL_LOWER_INDEX_H
#define LAZARET_GUEST_MODEL_LOWER_INDEX_H

#include "guest/model/compose.h"

#define INDEX_TABLE_MAX (UINT64_C(1) << 22) /* positions: 32 MiB */

/* Room for so many positions, all -1; the caller frees it. NULL and a fault beyond INDEX_TABLE_MAX. */
int64_t *index_table(struct compose *compose, uint64_t count);

/* The index of element i, an axis a number, and back. */
void index_unravel(uint32_t rank, const uint64_t *dims, uint64_t i, uint64_t *ret_index);
uint64_t index_ravel(uint32_t rank, const uint64_t *dims, const uint64_t *index);

/*
 * y[i] = x[table[i]], or the fill where that is -1, in the shape given. Where every position of axis 0 reads its own
 * part of x in the same way, that is what the graph says, so that samples stay apart.
 */
uint32_t index_pick(struct compose *compose, uint32_t x, const int64_t *table, float fill, uint32_t rank,
                    const uint64_t *dims);

/* A constant list of indices at an input, made non-negative, each within `limit`. NULL and a fault else. */
const int64_t *index_list(struct compose *compose, uint32_t input, struct lower_value *ret_record);
/* One index of it. */
uint64_t index_within(struct compose *compose, int64_t index, uint64_t limit);

#endif
