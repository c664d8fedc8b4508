/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sysfs tells of a PCI function.
 * Source: Linux, Documentation/ABI/testing/sysfs-bus-pci; classes: PCI Code and ID Assignment Specification, section 1.
 */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_PCI_DEVICE_H
#define LAZARET_HOST_VM_PASSTHROUGH_PCI_DEVICE_H

#include "base/error.h"
#include "host/vm/passthrough/pci_address.h"
#include "host/vm/passthrough/sysfs.h"

#define PCI_RESETS_MAX 64u
#define PCI_NO_GROUP   (-1)
#define PCI_GROUP_MAX  65535

/* Base classes, the highest of a class code's three bytes. */
#define PCI_CLASS_STORAGE     0x01u
#define PCI_CLASS_NETWORK     0x02u
#define PCI_CLASS_DISPLAY     0x03u
#define PCI_CLASS_BRIDGE      0x06u
#define PCI_CLASS_ACCELERATOR 0x12u

struct pci_device {
    struct pci_address address;
    char name[PCI_ADDRESS_SIZE];
    uint16_t vendor, device;
    uint32_t class_code;           /* base class, subclass, programming interface */
    bool bridge;                   /* by its class, or by the layout of its configuration space */
    bool boot_display;             /* the firmware's and the console's */
    int group;                     /* of the IOMMU; PCI_NO_GROUP without one */
    char driver[SYSFS_NAME_MAX];   /* "": none */
    char override[SYSFS_NAME_MAX]; /* the one driver that may have it; "": any */
    char resets[PCI_RESETS_MAX];   /* methods available, in the order in which the kernel tries them; "": it has none */
};

/*
 * ERROR_UNAVAILABLE: -ENODEV where there is no such device, -EBADMSG where an attribute is not what it has to be;
 * the text names it.
 */
MUST_USE int pci_device_read(int sysfs, const struct pci_address *address, struct pci_device *ret_device,
                             struct error *err);

/* The base class by name: "display controller", …; "device of class 0x.." for one without. Static or in `text`. */
const char *pci_class_name(uint32_t class_code, char text[SYSFS_NAME_MAX]);

static inline unsigned pci_base_class(const struct pci_device *device)
{
    return device->class_code >> 16;
}

/* "bus/pci/devices/ADDRESS/ATTRIBUTE" */
void pci_device_path(const char *name, const char *attribute, char ret_path[SYSFS_PATH_MAX]);

#endif
