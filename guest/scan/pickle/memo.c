/* SPDX-License-Identifier: Apache-2.0 */
/* The memo, as packed blocks in a table by number. */
#include "guest/scan/pickle/memo.h"

#include <errno.h>
#include <string.h>

#define SLOTS_FIRST 64u

int memo_init(struct memo *memo, struct pickle_memory *memory)
{
    *memo = (struct memo){.memory = memory};
    memo->hot = memory_get(memory, MEMO_HOT * sizeof *memo->hot);
    if (memo->hot == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < MEMO_HOT; i++)
        memo->hot[i].number = 0;
    memo->slots = memory_get(memory, SLOTS_FIRST * sizeof *memo->slots);
    if (memo->slots == NULL)
        return -ENOMEM;
    memset(memo->slots, 0, SLOTS_FIRST * sizeof *memo->slots);
    memo->slot_count = SLOTS_FIRST;
    return 0;
}

void memo_free(struct memo *memo)
{
    for (size_t i = 0; i < memo->slot_count; i++)
        block_free(memo->memory, memo->slots[i].block);
    memory_put(memo->memory, memo->slots, memo->slot_count * sizeof *memo->slots);
    memory_put(memo->memory, memo->hot, MEMO_HOT * sizeof *memo->hot);
}

/* The slot of a block, or the free one where it would be. */
static struct memo_slot *find_slot(struct memo_slot *slots, size_t count, uint64_t number)
{
    size_t at = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (count - 1);

    while (slots[at].number != 0 && slots[at].number != number)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static bool grow_slots(struct memo *memo)
{
    size_t count = memo->slot_count * 2;
    struct memo_slot *slots = memory_get(memo->memory, count * sizeof *slots);

    if (slots == NULL)
        return false;
    memset(slots, 0, count * sizeof *slots);
    for (size_t i = 0; i < memo->slot_count; i++)
        if (memo->slots[i].number != 0)
            *find_slot(slots, count, memo->slots[i].number) = memo->slots[i];
    memory_put(memo->memory, memo->slots, memo->slot_count * sizeof *slots);
    memo->slots = slots;
    memo->slot_count = count;
    return true;
}

/* Packs an unpacked block. Without memory the old one is gone as well: its values are out of date. */
static void write_back(struct memo *memo, struct memo_hot *hot)
{
    struct memo_slot *slot;

    if (!hot->dirty)
        return;
    hot->dirty = false;
    if (memo->slots_used * 4 >= memo->slot_count * 3 && !grow_slots(memo) && memo->slots_used + 1 >= memo->slot_count) {
        memo->forgot = memo->lost = true;
        return;
    }
    slot = find_slot(memo->slots, memo->slot_count, hot->number);
    if (slot->number == 0) {
        slot->number = hot->number;
        memo->slots_used++;
    }
    block_free(memo->memory, slot->block);
    slot->block = block_pack(memo->memory, hot->values);
    memo->forgot |= slot->block == NULL;
}

struct memo_hot *memo_make_hot(struct memo *memo, uint64_t number)
{
    struct memo_hot *hot = &memo->hot[number & (MEMO_HOT - 1)];
    const struct memo_slot *slot;

    if (hot->number != 0)
        write_back(memo, hot);
    hot->number = number;
    hot->dirty = false;
    slot = find_slot(memo->slots, memo->slot_count, number);
    if (slot->block != NULL)
        block_unpack(slot->block, hot->values);
    else
        for (unsigned i = 0; i < BLOCK_VALUES; i++)
            hot->values[i] = slot->number != 0 ? pickle_word(PICKLE_OPAQUE, 0) : PICKLE_ABSENT;
    return hot;
}

/* Whole blocks are lost where there is no memory to even remember that they were there. */
static pickle_value or_lost(const struct memo *memo, pickle_value value)
{
    return value == PICKLE_ABSENT && memo->lost ? pickle_word(PICKLE_OPAQUE, 0) : value;
}

pickle_value memo_get(struct memo *memo, uint64_t index)
{
    uint64_t number = index / BLOCK_VALUES + 1;
    const struct memo_hot *hot = &memo->hot[number & (MEMO_HOT - 1)];
    const struct memo_slot *slot;

    if (hot->number == number)
        return or_lost(memo, hot->values[index % BLOCK_VALUES]);
    slot = find_slot(memo->slots, memo->slot_count, number);
    if (slot->block != NULL)
        return or_lost(memo, block_get(slot->block, (unsigned)(index % BLOCK_VALUES)));
    return slot->number != 0 ? pickle_word(PICKLE_OPAQUE, 0) : or_lost(memo, PICKLE_ABSENT);
}
