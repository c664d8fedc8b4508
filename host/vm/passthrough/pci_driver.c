/* SPDX-License-Identifier: Apache-2.0 */
/* A PCI function's driver, and its reset. */
#include "host/vm/passthrough/pci_driver.h"

#include "base/cursor.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define PROBE_PATH "bus/pci/drivers_probe"

static int fail(const char *name, const char *what, int r, struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, r, "the PCI device %s: %s: %s", name, what, strerror(-r));
}

/* "" where it has none. */
static int read_driver(int sysfs, const char *name, char ret_driver[SYSFS_NAME_MAX], struct error *err)
{
    char path[SYSFS_PATH_MAX];
    int r;

    pci_device_path(name, "driver", path);
    r = sysfs_read_link(sysfs, path, ret_driver, SYSFS_NAME_MAX);
    if (r == -ENOENT) {
        ret_driver[0] = '\0';
        return 0;
    }
    return r < 0 ? fail(name, "its driver can't be read", r, err) : 0;
}

/* The kernel takes a lone newline for no override. */
static int set_override(int sysfs, const char *name, const char *driver, struct error *err)
{
    char path[SYSFS_PATH_MAX], line[SYSFS_NAME_MAX + 1];
    int r;

    pci_device_path(name, "driver_override", path);
    (void)snprintf(line, sizeof line, "%s\n", driver);
    r = sysfs_write(sysfs, path, line);
    return r < 0 ? fail(name, "its driver_override can't be written", r, err) : 0;
}

static int unbind(int sysfs, const char *name, const char *driver, struct error *err)
{
    char path[SYSFS_PATH_MAX];
    int r;

    (void)snprintf(path, sizeof path, "bus/pci/drivers/%s/unbind", driver);
    r = sysfs_write(sysfs, path, name);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "the PCI device %s can't be taken from its driver %s: %s", name,
                         driver, strerror(-r));
    return 0;
}

/* Has the kernel find a driver, and looks whether it is the one that was meant. */
static int probe(int sysfs, const char *name, const char *wanted, struct error *err)
{
    char driver[SYSFS_NAME_MAX];
    int r = sysfs_write(sysfs, PROBE_PATH, name), found;

    found = read_driver(sysfs, name, driver, err);
    if (found < 0)
        return found;
    if (strcmp(driver, wanted) == 0)
        return 0;
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "the PCI device %s: the driver %s does not take it: %s", name,
                         wanted, strerror(-r));
    return error_set(err, ERROR_UNAVAILABLE, -ENODEV, "the PCI device %s: the driver %s does not take it (%s has it)",
                     name, wanted, driver[0] == '\0' ? "none" : driver);
}

int pci_driver_bind_guest(int sysfs, const char *name, struct error *err)
{
    char driver[SYSFS_NAME_MAX];
    int r = read_driver(sysfs, name, driver, err);

    if (r < 0 || strcmp(driver, PCI_GUEST_DRIVER) == 0)
        return r;
    r = set_override(sysfs, name, PCI_GUEST_DRIVER, err);
    if (r == 0 && driver[0] != '\0')
        r = unbind(sysfs, name, driver, err);
    return r < 0 ? r : probe(sysfs, name, PCI_GUEST_DRIVER, err);
}

int pci_driver_unbind_guest(int sysfs, const char *name, struct error *err)
{
    char driver[SYSFS_NAME_MAX];
    int r = read_driver(sysfs, name, driver, err);

    if (r < 0 || strcmp(driver, PCI_GUEST_DRIVER) != 0)
        return r;
    r = set_override(sysfs, name, PCI_GUEST_DRIVER, err);
    return r < 0 ? r : unbind(sysfs, name, driver, err);
}

int pci_driver_return(int sysfs, const char *name, const char *driver, const char *override, struct error *err)
{
    char found[SYSFS_NAME_MAX];
    int r = set_override(sysfs, name, override, err);

    if (r == 0)
        r = read_driver(sysfs, name, found, err);
    if (r < 0 || strcmp(found, driver) == 0)
        return r;
    if (driver[0] == '\0')
        return fail(name, "it had no driver, and has one", -EBUSY, err);
    return probe(sysfs, name, driver, err);
}

/* Its identity again, by its own word: a device that did not come back reads as ones. */
static int check_answers(int sysfs, const struct pci_device *device, struct error *err)
{
    uint8_t header[4] = {0};
    struct cursor cursor = cursor_over(header, sizeof header);
    char path[SYSFS_PATH_MAX];
    uint16_t vendor = 0, number = 0;
    CLEANUP_FD int fd = -1;

    pci_device_path(device->name, "config", path);
    fd = openat(sysfs, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || io_pread_full(fd, header, sizeof header, 0) != (ssize_t)sizeof header ||
        cursor_read_u16le(&cursor, &vendor) < 0 || cursor_read_u16le(&cursor, &number) < 0 ||
        vendor != device->vendor || number != device->device)
        return error_set(err, ERROR_UNAVAILABLE, -EIO,
                         "the PCI device %s does not answer after its reset: it says %04x:%04x and is %04x:%04x",
                         device->name, vendor, number, device->vendor, device->device);
    return 0;
}

int pci_driver_reset(int sysfs, const struct pci_device *device, struct error *err)
{
    char path[SYSFS_PATH_MAX];
    int r;

    pci_device_path(device->name, "reset", path);
    r = sysfs_write(sysfs, path, "1");
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "the PCI device %s can't be reset (%s): %s", device->name,
                         device->resets, strerror(-r));
    return check_answers(sysfs, device, err);
}
