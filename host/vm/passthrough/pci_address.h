/* SPDX-License-Identifier: Apache-2.0 */
/* A PCI function's address, as Linux writes it: domain:bus:slot.function, hexadecimal. */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_PCI_ADDRESS_H
#define LAZARET_HOST_VM_PASSTHROUGH_PCI_ADDRESS_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

#define PCI_ADDRESS_SIZE 13u /* "0000:01:00.0" and its NUL */

struct pci_address {
    uint16_t domain;
    uint8_t bus, slot, function; /* slot below 32, function below 8 */
};

/* "0000:01:00.0", or "01:00.0" in domain 0. -EINVAL for anything else. */
MUST_USE int pci_address_parse(const char *text, struct pci_address *ret_address);

/* Writes the long form, in lower case, as sysfs names it. */
void pci_address_format(const struct pci_address *address, char ret_text[PCI_ADDRESS_SIZE]);

/* Whether both are functions of one device. */
bool pci_address_same_device(const struct pci_address *one, const struct pci_address *other);

#endif
