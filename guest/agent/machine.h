/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent runs on: said in GUEST_HELLO, and the bounds of what a worker may take. */
#ifndef LAZARET_GUEST_AGENT_MACHINE_H
#define LAZARET_GUEST_AGENT_MACHINE_H

#include <stdint.h>

#define MACHINE_NAME_MAX 64u

struct machine {
    char processor[MACHINE_NAME_MAX]; /* the CPU's own name for itself, "unknown" where it has none */
    uint32_t processors;              /* that this process may use, at least 1 */
    uint64_t memory_bytes;            /* of the whole machine */
    uint64_t available_bytes;         /* not in use */
};

/* Figures that can't be had are 0, or 1 processor. */
void machine_describe(struct machine *ret_machine);

#endif
