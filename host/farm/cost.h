/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job will take of the machine, worked out before it is taken up, and what the machine has.
 *
 * The host never parses a model, so the engine's exact plan is not known here: a microVM takes its whole memory and
 * what QEMU and our processes add to it, a process what admission estimates by the model's size. A guest has the memory
 * that its job's line says, or else what the policy grants and at least that estimate: less would be refused before it
 * boots.
 */
#ifndef LAZARET_HOST_FARM_COST_H
#define LAZARET_HOST_FARM_COST_H

#include "host/farm/queue.h"

#include <jansson.h>

/* QEMU's own memory beside its guest's, and our processes'; measured: docs/farm.md. */
#define COST_MACHINE_MIB 96u

/* What a batch says of all its jobs. */
struct cost_setting {
    bool process;   /* isolation by process: no VM */
    uint64_t cores; /* processors of a guest */
};

struct cost_policies; /* the memory that policies grant; each is read once */

MUST_USE int cost_policies_new(struct cost_policies **ret_policies, struct error *err);
void cost_policies_free(struct cost_policies *policies);

/*
 * Of a job's description. A file that is not there counts as empty: the job will end by that. ERROR_* of policy_load(),
 * where its policy can't be read.
 */
MUST_USE int cost_of_job(struct cost_policies *policies, const struct cost_setting *setting, const json_t *description,
                         struct queue_resources *ret_needs, struct error *err);

/*
 * The memory of a guest that was admitted with these needs, MiB; 0: its description says it, or it is no guest but a
 * process. `settings` is the array of further arguments.
 */
uint64_t cost_guest_mib(const struct queue_resources *needs, const json_t *description, const json_t *settings);

/*
 * Whether a job whose guest said that its memory is too small may have twice as much, once, within `whole_mib`, and the
 * MiB to admit it with. Not where it has had that, where its own line says what it gets, or where its policy is gone.
 * What a guest says is a hostile model's word at worst, and buys it no more than this.
 */
bool cost_raise(const struct queue_lease *lease, const json_t *description, const json_t *settings, uint64_t whole_mib,
                uint64_t *ret_memory_mib);

/*
 * The processors that this process may use and its memory, less a tenth for the rest: what is available now, and in
 * `whole` what the machine was built with. Without GPUs; those are named (cost_add_devices).
 */
MUST_USE int cost_of_machine(struct queue_machine *ret_machine, struct error *err);

/* "PCI,PCI…", each an address as `evaluate --gpu` takes it. ERROR_USAGE: none, one twice, or too many. */
MUST_USE int cost_add_devices(const char *list, struct queue_machine *machine, struct error *err);

#endif
