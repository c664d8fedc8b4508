/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the host itself uses a device: its console, its screen, its processes. */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_DISPLAY_H
#define LAZARET_HOST_VM_PASSTHROUGH_DISPLAY_H

#include "host/vm/passthrough/pci_device.h"

#define DISPLAY_NODES_MAX 64u /* of a device under /dev: its cards, its renderers, its accelerators, its sound */

/*
 * ERROR_UNAVAILABLE, -EBUSY: the firmware's display, a framebuffer, a connector that is lit, or a process that has
 * one of the device's nodes open; the text says which, and what to do. `proc` is a descriptor of /proc, of which every
 * process is looked at.
 */
MUST_USE int display_check_unused(int sysfs, int proc, const struct pci_device *device, struct error *err);

#endif
