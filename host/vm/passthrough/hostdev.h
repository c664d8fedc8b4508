/* SPDX-License-Identifier: Apache-2.0 */
/* What the VM and its sandbox get of a device: libvirt's element, VFIO's nodes, memory that may be locked. */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_HOSTDEV_H
#define LAZARET_HOST_VM_PASSTHROUGH_HOSTDEV_H

#include "base/buffer.h"
#include "base/error.h"
#include "host/vm/passthrough/pci_address.h"

#include <sys/types.h>

/* Where the guest sees it, on its root bus. */
#define HOSTDEV_PCI_SLOT "0x12"

/* Locked besides the guest's memory: what VFIO maps of the device. libvirt sets the same for QEMU. */
#define HOSTDEV_LOCKED_MIB 1024u

/*
 * Appends <hostdev mode='subsystem' type='pci' managed='yes'>. The device's own ROM is not shown: the guest's firmware
 * would run it. 0 or -errno.
 * Format: https://libvirt.org/formatdomain.html, "USB / PCI / SCSI devices"
 */
MUST_USE int hostdev_append_xml(struct buffer *xml, const struct pci_address *address);

/*
 * Makes vfio/vfio and the group's node in `dev`, a folder that is to become /dev, for QEMU's user alone. By the numbers
 * that sysfs tells, as a container's /dev may not have them. ERROR_UNAVAILABLE.
 */
MUST_USE int hostdev_make_nodes(const char *dev, int group, uid_t owner, struct error *err);

/* Lets this process and its children lock a guest's memory. ERROR_UNAVAILABLE. */
MUST_USE int hostdev_allow_locking(uint64_t memory_mib, struct error *err);

#endif
