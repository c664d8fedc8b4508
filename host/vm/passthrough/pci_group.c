/* SPDX-License-Identifier: Apache-2.0 */
/* The IOMMU group of a device. */
#include "host/vm/passthrough/pci_group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* What stands beside a display on one card: its like, sound, a USB port and the controller of that. */
static bool may_accompany(const struct pci_device *device)
{
    static const uint32_t subclasses[] = {0x0403, 0x0c03, 0x0c80};
    unsigned base = pci_base_class(device);

    if (base == PCI_CLASS_DISPLAY || base == PCI_CLASS_ACCELERATOR)
        return true;
    for (size_t i = 0; i < sizeof subclasses / sizeof subclasses[0]; i++)
        if (device->class_code >> 8 == subclasses[i])
            return true;
    return false;
}

static int no_iommu(const struct pci_device *device, struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENODEV,
                     "the PCI device %s is behind no IOMMU, so a guest could have it write to the host's memory; "
                     "enable VT-d or AMD-Vi in the firmware, and boot the host with intel_iommu=on (on AMD, without "
                     "amd_iommu=off) on the kernel's command line",
                     device->name);
}

static int shared(const struct pci_device *device, const struct pci_device *other, struct error *err)
{
    char text[SYSFS_NAME_MAX];

    return error_set(
        err, ERROR_UNAVAILABLE, -EBUSY,
        "the IOMMU group %d of the PCI device %s is shared with %s (%s %04x:%04x), which a guest could reach "
        "through it; put the card into another slot, one that the firmware isolates (ACS)",
        device->group, device->name, other->name, pci_class_name(other->class_code, text), other->vendor,
        other->device);
}

/* By number; the device itself stays first. */
static void insert(struct pci_group *group, const struct pci_device *function)
{
    unsigned place = group->count++;

    while (place > 1 && group->functions[place - 1].address.function > function->address.function) {
        group->functions[place] = group->functions[place - 1];
        place--;
    }
    group->functions[place] = *function;
}

static int add_entry(int sysfs, const char *name, struct pci_group *group, struct error *err)
{
    const struct pci_device *device = &group->functions[0];
    struct pci_address address;
    struct pci_device other;
    int r;

    if (strcmp(name, device->name) == 0)
        return 0;
    if (pci_address_parse(name, &address) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -EBUSY,
                         "the IOMMU group %d of the PCI device %s is shared with \"%.64s\", which is no PCI device",
                         device->group, device->name, name);
    r = pci_device_read(sysfs, &address, &other, err);
    if (r < 0)
        return r;
    if (other.bridge)
        return 0;
    if (!pci_address_same_device(&address, &device->address) || !may_accompany(&other) ||
        group->count == PCI_FUNCTIONS_MAX)
        return shared(device, &other, err);
    insert(group, &other);
    return 0;
}

static int read_entries(int sysfs, DIR *folder, struct pci_group *group, struct error *err)
{
    const struct pci_device *device = &group->functions[0];
    struct dirent *entry;
    bool found = false;
    unsigned count = 0;
    int r = 0;

    while (r == 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (++count > PCI_GROUP_ENTRIES_MAX)
            return error_set(err, ERROR_UNAVAILABLE, -E2BIG,
                             "the IOMMU group %d of the PCI device %s has too many devices", device->group,
                             device->name);
        found = found || strcmp(entry->d_name, device->name) == 0;
        r = add_entry(sysfs, entry->d_name, group, err);
    }
    if (r == 0 && !found)
        return error_set(err, ERROR_UNAVAILABLE, -EBADMSG, "the IOMMU group %d does not list the PCI device %s",
                         device->group, device->name);
    return r;
}

int pci_group_read(int sysfs, const struct pci_device *device, struct pci_group *ret_group, struct error *err)
{
    struct pci_group group = {.functions = {*device}, .count = 1};
    char path[SYSFS_PATH_MAX];
    DIR *folder;
    int fd, r;

    if (device->group == PCI_NO_GROUP)
        return no_iommu(device, err);
    (void)snprintf(path, sizeof path, "kernel/iommu_groups/%d/devices", device->group);
    fd = openat(sysfs, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "/sys/%s: %s", path, strerror(errno));
        cleanup_close_fd(&fd);
        return r;
    }
    r = read_entries(sysfs, folder, &group, err);
    (void)closedir(folder);
    if (r == 0)
        *ret_group = group;
    return r;
}
