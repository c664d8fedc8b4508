/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memo: values by number, any number, dense or sparse. A number's count is its own: MEMOIZE stores at the number
 * of entries (_Unpickler_MemoPut of _pickle.c), which is not the largest index plus one.
 */
#ifndef LAZARET_GUEST_SCAN_PICKLE_MEMO_H
#define LAZARET_GUEST_SCAN_PICKLE_MEMO_H

#include "guest/scan/pickle/blocks.h"

#define MEMO_HOT 16u /* blocks that lie unpacked, as they were written last; a power of two */

struct memo_hot {
    uint64_t number; /* of the block, plus one; 0: none */
    bool dirty;
    pickle_value values[BLOCK_VALUES];
};

struct memo_slot {
    uint64_t number; /* of the block, plus one; 0: free */
    struct block *block;
};

struct memo {
    struct pickle_memory *memory;
    struct memo_slot *slots; /* a table by number, open addressing */
    size_t slot_count, slots_used;
    uint64_t count; /* of entries */
    bool forgot, lost;
    struct memo_hot *hot; /* MEMO_HOT of them */
};

/* -ENOMEM; memo_free is due all the same. */
MUST_USE int memo_init(struct memo *memo, struct pickle_memory *memory);
void memo_free(struct memo *memo);
/* What is forgotten for want of memory is PICKLE_OPAQUE; what was never stored PICKLE_ABSENT. */
pickle_value memo_get(struct memo *memo, uint64_t index);
/* The block's values, unpacked; `number` as of memo_hot. */
struct memo_hot *memo_make_hot(struct memo *memo, uint64_t number);

static inline void memo_put(struct memo *memo, uint64_t index, pickle_value value)
{
    uint64_t number = index / BLOCK_VALUES + 1;
    struct memo_hot *hot = &memo->hot[number & (MEMO_HOT - 1)];
    pickle_value *place;

    if (hot->number != number)
        hot = memo_make_hot(memo, number);
    place = &hot->values[index % BLOCK_VALUES];
    memo->count += *place == PICKLE_ABSENT;
    *place = value;
    hot->dirty = true;
}

#endif
