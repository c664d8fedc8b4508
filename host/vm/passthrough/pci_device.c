/* SPDX-License-Identifier: Apache-2.0 */
/* What sysfs tells of a PCI function. */
#include "host/vm/passthrough/pci_device.h"

#include "base/cursor.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define HEADER_SIZE        64u /* of the configuration space that any user may read */
#define HEADER_TYPE_OFFSET 0x0eu
#define HEADER_TYPE_MASK   0x7fu /* its highest bit tells of more functions */
#define OVERRIDE_NONE      "(null)"

void pci_device_path(const char *name, const char *attribute, char ret_path[SYSFS_PATH_MAX])
{
    (void)snprintf(ret_path, SYSFS_PATH_MAX, "bus/pci/devices/%s/%s", name, attribute);
}

const char *pci_class_name(uint32_t class_code, char text[SYSFS_NAME_MAX])
{
    static const char *const names[] = {
        "unclassified device",
        "storage controller",
        "network controller",
        "display controller",
        "multimedia controller",
        "memory controller",
        "bridge",
        "communication controller",
        "system peripheral",
        "input device",
        "docking station",
        "processor",
        "serial bus controller",
        "wireless controller",
        "intelligent controller",
        "satellite controller",
        "encryption controller",
        "signal processor",
        "processing accelerator",
    };
    unsigned base = class_code >> 16;

    if (base < sizeof names / sizeof names[0])
        return names[base];
    (void)snprintf(text, SYSFS_NAME_MAX, "device of class 0x%02x", base);
    return text;
}

static int fail(const struct pci_device *device, const char *attribute, int r, struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, r, "the PCI device %s: its %s in sysfs can't be used: %s", device->name,
                     attribute, strerror(-r));
}

static int read_number(int sysfs, const struct pci_device *device, const char *attribute, uint64_t max,
                       uint64_t *ret_value, struct error *err)
{
    char path[SYSFS_PATH_MAX];
    int r;

    pci_device_path(device->name, attribute, path);
    r = sysfs_read_number(sysfs, path, max, ret_value);
    return r < 0 ? fail(device, attribute, r, err) : 0;
}

/* An attribute, or a link's target, that need not be there. */
static int read_optional(int sysfs, const struct pci_device *device, const char *attribute, bool link, char *ret_text,
                         size_t room, struct error *err)
{
    char path[SYSFS_PATH_MAX];
    int r;

    pci_device_path(device->name, attribute, path);
    r = link ? sysfs_read_link(sysfs, path, ret_text, room) : sysfs_read_text(sysfs, path, ret_text, room);
    if (r == -ENOENT) {
        ret_text[0] = '\0';
        return 0;
    }
    return r < 0 ? fail(device, attribute, r, err) : 0;
}

static int read_numbers(int sysfs, struct pci_device *device, struct error *err)
{
    uint64_t vendor = 0, number = 0, class_code = 0;
    int r = read_number(sysfs, device, "vendor", UINT16_MAX, &vendor, err);

    if (r == 0)
        r = read_number(sysfs, device, "device", UINT16_MAX, &number, err);
    if (r == 0)
        r = read_number(sysfs, device, "class", 0xffffff, &class_code, err);
    device->vendor = (uint16_t)vendor;
    device->device = (uint16_t)number;
    device->class_code = (uint32_t)class_code;
    return r;
}

/* A bridge of another class than the bridges' is told by its header (PCI Local Bus 3.0, section 6.2.1). */
static int read_header(int sysfs, struct pci_device *device, struct error *err)
{
    uint8_t header[HEADER_SIZE] = {0}, type = 0;
    struct cursor cursor = cursor_over(header, sizeof header);
    char path[SYSFS_PATH_MAX];
    CLEANUP_FD int fd = -1;
    ssize_t size;

    pci_device_path(device->name, "config", path);
    fd = openat(sysfs, path, O_RDONLY | O_CLOEXEC);
    size = fd < 0 ? -errno : io_pread_full(fd, header, sizeof header, 0);
    if (size != (ssize_t)sizeof header)
        return fail(device, "config", size < 0 ? (int)size : -EBADMSG, err);
    if (cursor_skip(&cursor, HEADER_TYPE_OFFSET) < 0 || cursor_read_u8(&cursor, &type) < 0)
        return fail(device, "config", -EBADMSG, err);
    device->bridge = (type & HEADER_TYPE_MASK) != 0 || pci_base_class(device) == PCI_CLASS_BRIDGE;
    return 0;
}

static int read_group(int sysfs, struct pci_device *device, struct error *err)
{
    char text[SYSFS_NAME_MAX], path[SYSFS_PATH_MAX], end;
    unsigned group;
    int r = read_optional(sysfs, device, "iommu_group", true, text, sizeof text, err);

    device->group = PCI_NO_GROUP;
    if (r < 0 || text[0] == '\0')
        return r;
    if (text[0] < '0' || text[0] > '9' || sscanf(text, "%5u%c", &group, &end) != 1 || group > PCI_GROUP_MAX)
        return fail(device, "iommu_group", -EBADMSG, err);
    /* vfio's group without an IOMMU isolates nothing. */
    (void)snprintf(path, sizeof path, "kernel/iommu_groups/%u/name", group);
    if (sysfs_read_text(sysfs, path, text, sizeof text) == 0 && strcmp(text, "vfio-noiommu") == 0)
        return 0;
    device->group = (int)group;
    return 0;
}

static int read_texts(int sysfs, struct pci_device *device, struct error *err)
{
    int r = read_optional(sysfs, device, "driver", true, device->driver, sizeof device->driver, err);

    if (r == 0)
        r = read_optional(sysfs, device, "driver_override", false, device->override, sizeof device->override, err);
    if (r == 0 && strcmp(device->override, OVERRIDE_NONE) == 0)
        device->override[0] = '\0';
    if (r == 0)
        r = read_optional(sysfs, device, "reset_method", false, device->resets, sizeof device->resets, err);
    return r;
}

int pci_device_read(int sysfs, const struct pci_address *address, struct pci_device *ret_device, struct error *err)
{
    struct pci_device device = {.address = *address};
    char path[SYSFS_PATH_MAX], boot_display[SYSFS_NAME_MAX];
    int r;

    pci_address_format(address, device.name);
    pci_device_path(device.name, "", path);
    if (!sysfs_exists(sysfs, path))
        return error_set(err, ERROR_UNAVAILABLE, -ENODEV,
                         "there is no PCI device %s; `lazaret doctor` lists those that can be passed through",
                         device.name);
    r = read_numbers(sysfs, &device, err);
    if (r == 0)
        r = read_header(sysfs, &device, err);
    if (r == 0)
        r = read_group(sysfs, &device, err);
    if (r == 0)
        r = read_texts(sysfs, &device, err);
    if (r == 0)
        r = read_optional(sysfs, &device, "boot_vga", false, boot_display, sizeof boot_display, err);
    if (r < 0)
        return r;
    device.boot_display = strcmp(boot_display, "1") == 0;
    *ret_device = device;
    return 0;
}
