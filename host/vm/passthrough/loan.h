/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to be given back, on disk: $LAZARET_STATE/gpus/ADDRESS.
 *
 * A job holds a lock on the file of its device for as long as it lives, and one on the folder of the device's IOMMU
 * group (/sys/kernel/iommu_groups/N), so that there is one job a group, which all of it is lent to. The file is
 * empty but while the host's drivers are away: then it has a line "boot ID" (random(4), boot_id) and one for each
 * function, "ADDRESS DRIVER OVERRIDE", where "-" stands for none, synced before the first driver is touched. A file
 * that has lines and can be locked is a dead job's; one of another boot is only emptied, as drivers have found their
 * devices anew since, and an address may be another device's.
 */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_LOAN_H
#define LAZARET_HOST_VM_PASSTHROUGH_LOAN_H

#include "host/vm/passthrough/pci_group.h"

#define LOAN_FOLDER   "gpus"
#define LOAN_SIZE_MAX 1024u

#define LOAN_BOOT_SIZE 37u /* a UUID's text and its NUL */

struct loan_function {
    char name[PCI_ADDRESS_SIZE];
    char driver[SYSFS_NAME_MAX], override[SYSFS_NAME_MAX]; /* "": none */
};

struct loan {
    char boot[LOAN_BOOT_SIZE];                         /* in which it was made */
    struct loan_function functions[PCI_FUNCTIONS_MAX]; /* the device first */
    unsigned count;                                    /* 0: nothing is to be given back */
};

/*
 * Opens and locks the file of a device, making it. ERROR_UNAVAILABLE, -EBUSY: another job has it, and still
 * after half a second. The lock is of the
 * open file, so all processes that inherit it share it, and it ends with the last.
 */
MUST_USE int loan_lock(int state_fd, const char *name, int *ret_fd, struct error *err);

/*
 * Opens and locks the folder of an IOMMU group in the same way: whichever of its functions a job has claimed, none of
 * the others is to be had meanwhile. ERROR_UNAVAILABLE, -EBUSY as above.
 */
MUST_USE int loan_lock_group(int sysfs, const struct pci_device *device, int *ret_fd, struct error *err);

/* What tells this boot of the machine from others. ERROR_UNAVAILABLE. */
MUST_USE int loan_read_boot(char ret_boot[LOAN_BOOT_SIZE], struct error *err);

void loan_of_group(const struct pci_group *group, const char boot[LOAN_BOOT_SIZE], struct loan *ret_loan);

MUST_USE int loan_write(int fd, const struct loan *loan, struct error *err);
MUST_USE int loan_clear(int fd, struct error *err);

/*
 * ERROR_UNAVAILABLE, -EBADMSG where the file is not as loan_write() writes it. A record of another boot is emptied, and
 * read so.
 */
MUST_USE int loan_read(int fd, struct loan *ret_loan, struct error *err);

/*
 * Takes every function from vfio-pci, resets the device, and gives each back to its driver; where the reset fails the
 * device stays with no driver, for nobody to trust. Blocks while a VM has it open. All is tried, and the first trouble
 * told.
 */
MUST_USE int loan_give_back(int sysfs, const struct loan *loan, struct error *err);

/* Gives back what dead jobs left; returns how many devices, or a negative errno with the first trouble. */
MUST_USE int loan_reap(int sysfs, int state_fd, struct error *err);

#endif
