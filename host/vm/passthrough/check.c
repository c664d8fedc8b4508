/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a device can be passed through. */
#include "host/vm/passthrough/check.h"

#include "host/vm/passthrough/display.h"
#include "host/vm/passthrough/pci_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define UNSAFE_INTERRUPTS     "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
#define VIRTUAL_FUNCTIONS_MAX 65535u /* TotalVFs has 16 bits */

int check_open_places(struct check_places *ret_places, struct error *err)
{
    struct check_places places = {.sysfs = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                  .proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                  .dev = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

    if (places.sysfs < 0 || places.proc < 0 || places.dev < 0) {
        check_close_places(&places);
        return error_set(err, ERROR_UNAVAILABLE, -ENOENT, "/sys, /proc and /dev must be there, and one is not");
    }
    *ret_places = places;
    return 0;
}

void check_close_places(struct check_places *places)
{
    cleanup_close_fd(&places->sysfs);
    cleanup_close_fd(&places->proc);
    cleanup_close_fd(&places->dev);
    *places = (struct check_places){-1, -1, -1};
}

bool check_is_gpu(const struct pci_device *device)
{
    unsigned base = pci_base_class(device);

    return !device->bridge && (base == PCI_CLASS_DISPLAY || base == PCI_CLASS_ACCELERATOR);
}

/* With it the guest could raise any interrupt of the host by a write of its device's. */
static int check_interrupts(int sysfs, const struct pci_device *device, struct error *err)
{
    char text[SYSFS_NAME_MAX];

    if (sysfs_read_text(sysfs, UNSAFE_INTERRUPTS, text, sizeof text) < 0 || strcmp(text, "Y") != 0)
        return 0;
    return error_set(
        err, ERROR_UNAVAILABLE, -EPERM,
        "the PCI device %s: the host's vfio_iommu_type1 has allow_unsafe_interrupts, with which a guest can "
        "raise the host's interrupts; take that option away, and enable interrupt remapping",
        device->name);
}

static int check_reset(const struct pci_device *device, struct error *err)
{
    if (device->resets[0] != '\0')
        return 0;
    return error_set(
        err, ERROR_UNAVAILABLE, -EOPNOTSUPP,
        "the PCI device %s can't be reset, so what one guest leaves in it would be there for the next, and "
        "for the host; use one that lists a reset_method",
        device->name);
}

/* Its virtual functions are devices of their own, which others may have, and which end with its driver. */
static int check_no_virtual_functions(int sysfs, const struct pci_device *device, struct error *err)
{
    char path[SYSFS_PATH_MAX];
    uint64_t count = 0;
    int r;

    pci_device_path(device->name, "sriov_numvfs", path);
    r = sysfs_read_number(sysfs, path, VIRTUAL_FUNCTIONS_MAX, &count);
    if (r == -ENOENT) /* it can have none */
        return 0;
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "the PCI device %s: its sriov_numvfs can't be understood: %s",
                         device->name, strerror(-r));
    if (count == 0)
        return 0;
    return error_set(err, ERROR_UNAVAILABLE, -EBUSY,
                     "the PCI device %s has %u virtual functions, which others may use; take them away "
                     "(echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs), or use another card",
                     device->name, (unsigned)count, device->name);
}

/* The kernel lets one open a group at a time. Only where vfio-pci has it already: else nobody can. */
static int check_group_unused(int dev, const struct pci_device *device, struct error *err)
{
    char path[SYSFS_NAME_MAX];
    CLEANUP_FD int fd = -1;

    if (strcmp(device->driver, PCI_GUEST_DRIVER) != 0)
        return 0;
    (void)snprintf(path, sizeof path, "vfio/%d", device->group);
    fd = openat(dev, path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == EBUSY)
        return error_set(err, ERROR_UNAVAILABLE, -EBUSY, "the PCI device %s is in use by another virtual machine",
                         device->name);
    return 0;
}

int check_any_device(const struct check_places *places, const struct pci_address *address, struct pci_group *ret_group,
                     struct error *err)
{
    struct pci_device device;
    struct pci_group group;
    int r = pci_device_read(places->sysfs, address, &device, err);

    if (r < 0)
        return r;
    if (device.bridge)
        return error_set(err, ERROR_UNAVAILABLE, -EINVAL,
                         "the PCI device %s is a bridge, behind which others are; name the device itself", device.name);
    r = pci_group_read(places->sysfs, &device, &group, err);
    if (r == 0)
        r = check_interrupts(places->sysfs, &device, err);
    if (r == 0)
        r = check_reset(&device, err);
    for (unsigned i = 0; r == 0 && i < group.count; i++) {
        r = check_no_virtual_functions(places->sysfs, &group.functions[i], err);
        if (r == 0)
            r = display_check_unused(places->sysfs, places->proc, &group.functions[i], err);
    }
    if (r == 0)
        r = check_group_unused(places->dev, &device, err);
    if (r == 0)
        *ret_group = group;
    return r;
}

int check_device(const struct check_places *places, const struct pci_address *address, struct pci_group *ret_group,
                 struct error *err)
{
    struct pci_device device;
    char text[SYSFS_NAME_MAX];
    int r = pci_device_read(places->sysfs, address, &device, err);

    if (r < 0)
        return r;
    if (!device.bridge && !check_is_gpu(&device))
        return error_set(err, ERROR_UNAVAILABLE, -EINVAL,
                         "the PCI device %s is no GPU, but of class 0x%06x (%s); display controllers and processing "
                         "accelerators are passed through",
                         device.name, device.class_code, pci_class_name(device.class_code, text));
    return check_any_device(places, address, ret_group, err);
}
