/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PCI function's driver: vfio-pci for as long as a guest has the device, and the host's again afterwards; its reset.
 * Source: Linux, Documentation/ABI/testing/sysfs-bus-pci: driver_override, unbind, drivers_probe, reset.
 */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_PCI_DRIVER_H
#define LAZARET_HOST_VM_PASSTHROUGH_PCI_DRIVER_H

#include "host/vm/passthrough/pci_device.h"

#define PCI_GUEST_DRIVER "vfio-pci"

/* From whatever driver has it to vfio-pci. Blocks while the driver waits for those who use the device. */
MUST_USE int pci_driver_bind_guest(int sysfs, const char *name, struct error *err);

/*
 * Takes the function from vfio-pci; blocks while a VM has it open. It has no driver then, and no other but vfio-pci can
 * have it. Nothing to do where another driver has it.
 */
MUST_USE int pci_driver_unbind_guest(int sysfs, const char *name, struct error *err);

/*
 * Gives the function back: to `driver`, "" for none, with the override that it had, "" for none. ERROR_UNAVAILABLE
 * where the driver does not take it.
 */
MUST_USE int pci_driver_return(int sysfs, const char *name, const char *driver, const char *override,
                               struct error *err);

/* Resets the function, by the first of its methods that works, and looks whether it answers again. */
MUST_USE int pci_driver_reset(int sysfs, const struct pci_device *device, struct error *err);

#endif
