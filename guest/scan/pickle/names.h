/* SPDX-License-Identifier: Apache-2.0 */
/* The globals that a pickle names, each pair once. */
#ifndef LAZARET_GUEST_SCAN_PICKLE_NAMES_H
#define LAZARET_GUEST_SCAN_PICKLE_NAMES_H

#include "guest/scan/pickle/blocks.h"
#include "guest/scan/pickle/machine.h"

#define NAMES_MAX 65536u /* those beyond are not told apart */

struct name;

struct names {
    struct pickle_memory *memory;
    struct name **names;
    uint32_t count, room;
    uint32_t *buckets; /* `room` of them, a power of two: number of the first name, plus one */
};

void names_init(struct names *names, struct pickle_memory *memory);
void names_free(struct names *names);
/* The number of a pair, from 1; 0 where it can't be kept. */
uint32_t names_add(struct names *names, const struct pickle_global *global);
bool names_get(const struct names *names, uint64_t number, struct pickle_global *ret_global);
/* NULL for number 0. */
struct pickle_note *names_note(const struct names *names, uint32_t number);

#endif
