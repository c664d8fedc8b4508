/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a process that takes a device from the host for the time of a job, and gives it back, whatever becomes of
 * the others.
 *
 * It is forked before the monitor confines itself, lives outside the job's namespaces, and sees of the file system /sys
 * alone. When the monitor ends without a word (its socket's end), the supervisor and QEMU end too; the keeper then
 * gives the device back by itself. Should it be killed as well, the record (loan.h) is the next start's to work off.
 */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_KEEPER_H
#define LAZARET_HOST_VM_PASSTHROUGH_KEEPER_H

#include "host/vm/passthrough/pci_group.h"

struct keeper;

enum keeper_order {
    KEEPER_TAKE = 't',  /* bind the group to vfio-pci, where it is not yet, and reset the device */
    KEEPER_RESET = 'r', /* reset the device */
    KEEPER_RETURN = 'b' /* give all back to the host's drivers, and end */
};

/* Forks it; `sysfs`, the locked record and the locked group are inherited. Call before the process has threads. */
MUST_USE int keeper_start(int sysfs, int loan_fd, int group_fd, const struct pci_group *group,
                          struct keeper **ret_keeper, struct error *err);

/*
 * Gives an order and waits for the answer. *ret_ns is how long it took the keeper. ERROR_UNAVAILABLE: what could not be
 * done; ERROR_INTERNAL: the keeper is gone, or not done by the deadline (-ETIMEDOUT). After that it is given no more
 * orders (-ETIMEDOUT again), and gives the device back when it can and is let go of.
 */
MUST_USE int keeper_order(struct keeper *keeper, enum keeper_order order, uint64_t deadline_ns, uint64_t *ret_ns,
                          struct error *err);

/* Whether its process has ended by then. Only in that case is the record somebody else's to work off. */
bool keeper_has_ended(const struct keeper *keeper, uint64_t deadline_ns);

/* Lets go of it: it gives back what it has, and ends. Waits no longer than the deadline. NULL is fine. */
void keeper_free(struct keeper *keeper, uint64_t deadline_ns);

#endif
