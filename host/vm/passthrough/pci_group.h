/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IOMMU group of a device: what can reach whose memory.
 *
 * All of a group has one view of memory, the guest's once one of it is passed through. So nothing else of the host may
 * be in it but bridges, which do no DMA of their own, and the device's other functions (a display's sound, its USB
 * port), which are taken from the host for as long, and not given to the guest. Source: Linux,
 * Documentation/driver-api/vfio.rst, "Groups, Devices, and IOMMUs".
 */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_PCI_GROUP_H
#define LAZARET_HOST_VM_PASSTHROUGH_PCI_GROUP_H

#include "host/vm/passthrough/pci_device.h"

#define PCI_GROUP_ENTRIES_MAX 256u /* of which the group may consist, bridges included */
#define PCI_FUNCTIONS_MAX     8u

struct pci_group {
    struct pci_device functions[PCI_FUNCTIONS_MAX]; /* the device first, then its companions by number */
    unsigned count;
};

/*
 * ERROR_UNAVAILABLE: -ENODEV where there is no IOMMU, -EBUSY where another device is in the group, or a companion is
 * nothing that belongs to a display; the text names it and says what to do.
 */
MUST_USE int pci_group_read(int sysfs, const struct pci_device *device, struct pci_group *ret_group, struct error *err);

#endif
