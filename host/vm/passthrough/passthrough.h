/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passthrough of a GPU into a job's microVMs: claimed before anything boots, taken from the host's driver when the
 * first one does, reset before and after each, and given back in the end.
 *
 * Who does what: the checks are made here (check.h); binding, resets and the return are the keeper's (keeper.h), who is
 * outside of the job's namespaces and survives the monitor; what the VM gets is hostdev.h's. libvirt's managed hostdev
 * finds the device bound to vfio-pci already and leaves it there: its process, which talks to QEMU, has no sysfs that
 * it could write.
 *
 * A struct passthrough is used by one thread at a time.
 */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_H
#define LAZARET_HOST_VM_PASSTHROUGH_H

#include "base/error.h"
#include "host/vm/passthrough/pci_group.h"

struct passthrough;

struct passthrough_facts {
    struct pci_device device; /* as it was when it was claimed: its driver is the host's */
    char companions[PCI_FUNCTIONS_MAX][PCI_ADDRESS_SIZE];
    unsigned companion_count;
    unsigned resets_before, resets_after; /* that worked: one before each VM, one after it */
    unsigned resets_failed;
    unsigned dma_faults; /* at least so often it was kept from memory that is not the guest's */
    bool faults_known;   /* the kernel's log could be read, all of it */
    uint64_t reset_ns;   /* the longest of taking or resetting it */
    bool taken;          /* the host's driver let go of it */
    bool returned;       /* and has it back */
    char trouble[256];   /* what went wrong first; "": nothing */
};

/*
 * Claims a device for a job: looks whether it can be passed through, locks it, and starts its keeper. While the process
 * has one thread, and before it confines itself. ERROR_USAGE for what is no address, ERROR_UNAVAILABLE with the reason
 * and the remedy where it can't be passed through, or is in use by another job.
 */
MUST_USE int passthrough_claim(const char *address, struct passthrough **ret_passthrough, struct error *err);

/* The same for devices of any class. For the lab, whose devices are emulated. */
MUST_USE int passthrough_claim_any(const char *address, struct passthrough **ret_passthrough, struct error *err);

/* Before a VM starts: the group is vfio-pci's, and the device reset. ERROR_GUEST: the evaluation can't be made. */
MUST_USE int passthrough_take(struct passthrough *passthrough, struct error *err);

/* After the VM's end: resets the device. What fails is noted in the facts, and the device is then not given back. */
void passthrough_reset(struct passthrough *passthrough);

/* Gives it back to the host; once. Noted in the facts. NULL is fine. */
void passthrough_return(struct passthrough *passthrough);

const struct passthrough_facts *passthrough_facts(const struct passthrough *passthrough);

/* Returns the device where that was not done, and frees; NULL is fine. */
void passthrough_free(struct passthrough *passthrough);

/*
 * Gives back what dead jobs left; for every start. Returns how many devices, or a negative errno: then one is not back,
 * and the text says why. Nothing else is hindered by it.
 */
MUST_USE int passthrough_reap(struct error *err);

#endif
