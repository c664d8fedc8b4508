/* SPDX-License-Identifier: Apache-2.0 */
/* A PCI function's address. */
#include "host/vm/passthrough/pci_address.h"

#include <errno.h>
#include <stdio.h>

#define SLOT_MAX     0x1fu
#define FUNCTION_MAX 7u

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Exactly `count` digits and then `end`; moves past both. */
static bool read_field(const char **text, unsigned count, char end, unsigned *ret_value)
{
    const char *place = *text;
    unsigned value = 0;

    for (unsigned i = 0; i < count; i++) {
        int next = digit(place[i]);

        if (next < 0)
            return false;
        value = value << 4 | (unsigned)next;
    }
    if (place[count] != end)
        return false;
    *text = place + count + (end != '\0');
    *ret_value = value;
    return true;
}

int pci_address_parse(const char *text, struct pci_address *ret_address)
{
    unsigned domain = 0, bus, slot, function;
    const char *place = text;

    if (!read_field(&place, 4, ':', &domain))
        domain = 0;
    if (!read_field(&place, 2, ':', &bus) || !read_field(&place, 2, '.', &slot) ||
        !read_field(&place, 1, '\0', &function) || slot > SLOT_MAX || function > FUNCTION_MAX)
        return -EINVAL;
    *ret_address = (struct pci_address){
        .domain = (uint16_t)domain, .bus = (uint8_t)bus, .slot = (uint8_t)slot, .function = (uint8_t)function};
    return 0;
}

void pci_address_format(const struct pci_address *address, char ret_text[PCI_ADDRESS_SIZE])
{
    (void)snprintf(ret_text, PCI_ADDRESS_SIZE, "%04x:%02x:%02x.%x", address->domain, address->bus,
                   address->slot & SLOT_MAX, address->function & FUNCTION_MAX);
}

bool pci_address_same_device(const struct pci_address *one, const struct pci_address *other)
{
    return one->domain == other->domain && one->bus == other->bus && one->slot == other->slot;
}
