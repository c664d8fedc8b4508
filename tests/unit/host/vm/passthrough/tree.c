/* SPDX-License-Identifier: Apache-2.0 */
/* A machine in a folder. */
#include "unit/host/vm/passthrough/tree.h"

#include "unit/harness.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEVICES "bus/pci/devices"

static int open_folder(const struct tree *tree, const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", tree->path, name);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0755), 0);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void tree_make(struct tree *tree)
{
    (void)snprintf(tree->path, sizeof tree->path, "/tmp/passthrough-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(tree->path));
    tree->places.sysfs = open_folder(tree, "sys");
    tree->places.proc = open_folder(tree, "proc");
    tree->places.dev = open_folder(tree, "dev");
    tree_text(tree, "bus/pci/drivers_probe", "");
}

static int drop(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void tree_remove(struct tree *tree)
{
    check_close_places(&tree->places);
    (void)nftw(tree->path, drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* The folders that a path leads through. */
static void make_parents(const struct tree *tree, const char *path)
{
    char part[PATH_MAX];

    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        (void)mkdirat(tree->places.sysfs, part, 0755);
    }
}

void tree_write(const struct tree *tree, const char *path, const char *text, size_t size)
{
    int fd;

    make_parents(tree, path);
    fd = openat(tree->places.sysfs, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL_FATAL(write(fd, text, size), (ssize_t)size);
    (void)close(fd);
}

void tree_text(const struct tree *tree, const char *path, const char *text)
{
    tree_write(tree, path, text, strlen(text));
}

void tree_link(const struct tree *tree, const char *path, const char *target)
{
    make_parents(tree, path);
    (void)unlinkat(tree->places.sysfs, path, 0);
    CU_ASSERT_EQUAL_FATAL(symlinkat(target, tree->places.sysfs, path), 0);
}

void tree_drop(const struct tree *tree, const char *path)
{
    CU_ASSERT_EQUAL_FATAL(unlinkat(tree->places.sysfs, path, 0), 0);
}

void tree_read(const struct tree *tree, const char *path, char ret_text[256])
{
    int fd = openat(tree->places.sysfs, path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, ret_text, 255);

    ret_text[size < 0 ? 0 : size] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

static void attribute(const struct tree *tree, const char *address, const char *name, const char *text)
{
    char path[256], line[256];

    if (text == NULL)
        return;
    (void)snprintf(path, sizeof path, DEVICES "/%s/%s", address, name);
    (void)snprintf(line, sizeof line, "%s\n", text);
    tree_text(tree, path, line);
}

void tree_add(const struct tree *tree, const struct tree_device *device)
{
    unsigned vendor = 0, number = 0;
    char header[64] = {0}, path[256], target[256];

    attribute(tree, device->address, "vendor", device->vendor);
    attribute(tree, device->address, "device", device->device);
    attribute(tree, device->address, "class", device->class_code);
    attribute(tree, device->address, "driver_override", "(null)");
    attribute(tree, device->address, "reset_method", device->resets);
    attribute(tree, device->address, "boot_vga", device->boot_vga);
    attribute(tree, device->address, "reset", "");
    (void)sscanf(device->vendor, "0x%x", &vendor);
    (void)sscanf(device->device, "0x%x", &number);
    header[0] = (char)vendor;
    header[1] = (char)(vendor >> 8);
    header[2] = (char)number;
    header[3] = (char)(number >> 8);
    header[14] = (char)device->header_type;
    (void)snprintf(path, sizeof path, DEVICES "/%s/config", device->address);
    tree_write(tree, path, header, sizeof header);
    if (device->driver != NULL) {
        (void)snprintf(path, sizeof path, DEVICES "/%s/driver", device->address);
        (void)snprintf(target, sizeof target, "../../drivers/%s", device->driver);
        tree_link(tree, path, target);
        (void)snprintf(path, sizeof path, "bus/pci/drivers/%s/unbind", device->driver);
        tree_text(tree, path, "");
    }
    if (device->group == PCI_NO_GROUP)
        return;
    (void)snprintf(path, sizeof path, DEVICES "/%s/iommu_group", device->address);
    (void)snprintf(target, sizeof target, "../../../../kernel/iommu_groups/%d", device->group);
    tree_link(tree, path, target);
    (void)snprintf(path, sizeof path, "kernel/iommu_groups/%d/devices/%s", device->group, device->address);
    (void)snprintf(target, sizeof target, "../../../../bus/pci/devices/%s", device->address);
    tree_link(tree, path, target);
}

struct tree_device tree_gpu(void)
{
    return (struct tree_device){.address = "0000:01:00.0",
                                .vendor = "0x10de",
                                .device = "0x1eb8",
                                .class_code = "0x030000",
                                .group = 12,
                                .driver = "nouveau",
                                .resets = "flr bus",
                                .boot_vga = "0"};
}
