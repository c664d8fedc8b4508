/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a device can be passed through, and what becomes of it: every reason against it, before anything is touched.
 */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_CHECK_H
#define LAZARET_HOST_VM_PASSTHROUGH_CHECK_H

#include "host/vm/passthrough/pci_group.h"

/* Where the host's facts are read: /sys, /proc and /dev, or trees that a test has made. Descriptors, borrowed. */
struct check_places {
    int sysfs, proc, dev;
};

/* Opens the host's own. ERROR_UNAVAILABLE. */
MUST_USE int check_open_places(struct check_places *ret_places, struct error *err);
void check_close_places(struct check_places *places);

/* Of these two classes only: display controllers and processing accelerators. */
bool check_is_gpu(const struct pci_device *device);

/*
 * All of it, in this order: the device is there, is no bridge, is a GPU; it has an IOMMU, and VFIO no
 * allow_unsafe_interrupts; its group is its own; it can be reset; it has no virtual functions; nobody uses it.
 * ERROR_UNAVAILABLE with the reason and the remedy.
 */
MUST_USE int check_device(const struct check_places *places, const struct pci_address *address,
                          struct pci_group *ret_group, struct error *err);

/* The same without the class, for devices that the lab emulates. */
MUST_USE int check_any_device(const struct check_places *places, const struct pci_address *address,
                              struct pci_group *ret_group, struct error *err);

#endif
