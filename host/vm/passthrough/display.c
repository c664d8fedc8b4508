/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the host itself uses a device.
 *
 * Theory of operation. A driver asked to let go of a device that processes have open waits for them, for ever if need
 * be. So they are looked for first: the device's nodes are those whose numbers ("MAJOR:MINOR" in files called dev)
 * stand below its folder in sysfs, under drm/, accel/ and the cards of sound/; whoever has one of them open shows it
 * in /proc/PID/fd. What has a framebuffer, graphics/fb*, is refused for that alone.
 */
#include "host/vm/passthrough/display.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define MAJOR_MAX 4095u
#define MINOR_MAX 1048575u

struct nodes {
    dev_t numbers[DISPLAY_NODES_MAX];
    unsigned count;
};

static DIR *open_folder(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (folder == NULL)
        cleanup_close_fd(&fd);
    return folder;
}

static void close_folder(DIR **folder)
{
    if (*folder != NULL)
        (void)closedir(*folder);
}

static int in_use(const struct pci_device *device, struct error *err, const char *why, const char *remedy)
{
    return error_set(err, ERROR_UNAVAILABLE, -EBUSY, "the PCI device %s %s; %s", device->name, why, remedy);
}

/* ---- the screen ---------------------------------------------------------------------------------- */

/* A connector of a card, "card0-DP-1", that shows a picture. */
static bool is_lit(int folder, const char *name)
{
    char path[SYSFS_PATH_MAX], text[SYSFS_NAME_MAX];

    if (strchr(name, '-') == NULL || strlen(name) > SYSFS_PATH_MAX / 2)
        return false;
    (void)snprintf(path, sizeof path, "%s/enabled", name);
    return sysfs_read_text(folder, path, text, sizeof text) == 0 && strcmp(text, "enabled") == 0;
}

static int add_node(const struct pci_device *device, int folder, const char *name, struct nodes *nodes,
                    struct error *err)
{
    char path[SYSFS_PATH_MAX], text[SYSFS_NAME_MAX], end;
    unsigned major_number, minor_number;
    int r;

    if (strlen(name) > SYSFS_PATH_MAX / 2)
        return 0;
    (void)snprintf(path, sizeof path, "%s/dev", name);
    r = sysfs_read_text(folder, path, text, sizeof text);
    if (r == -ENOENT || r == -ENOTDIR)
        return 0; /* no node of its own: a connector, a version */
    if (r < 0 || sscanf(text, "%4u:%7u%c", &major_number, &minor_number, &end) != 2 || major_number > MAJOR_MAX ||
        minor_number > MINOR_MAX || nodes->count == DISPLAY_NODES_MAX)
        return error_set(err, ERROR_UNAVAILABLE, -EBADMSG, "the PCI device %s: its node %.32s can't be understood",
                         device->name, name);
    nodes->numbers[nodes->count++] = makedev(major_number, minor_number);
    return 0;
}

/* drm/card0, drm/renderD128, drm/card0/card0-DP-1; accel/accel0; sound/card0/controlC0, sound/card0/pcmC0D0p. */
static int look_at(int sysfs, const struct pci_device *device, const char *path, struct nodes *nodes, bool deeper,
                   struct error *err)
{
    DIR *folder __attribute__((cleanup(close_folder))) = open_folder(sysfs, path);
    struct dirent *entry;
    char below[SYSFS_PATH_MAX];
    int r = 0;

    while (folder != NULL && r == 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (is_lit(dirfd(folder), entry->d_name))
            return in_use(device, err, "drives a screen", "take the screen to another card, or end what draws on it");
        r = add_node(device, dirfd(folder), entry->d_name, nodes, err);
        if (r == 0 && deeper && strncmp(entry->d_name, "card", 4) == 0 && strlen(entry->d_name) < SYSFS_NAME_MAX) {
            (void)snprintf(below, sizeof below, "%.128s/%.32s", path, entry->d_name);
            r = look_at(sysfs, device, below, nodes, false, err);
        }
    }
    return r;
}

/* The console of a kernel that draws on a framebuffer is on the first there is. */
static int check_framebuffer(int sysfs, const struct pci_device *device, struct error *err)
{
    char path[SYSFS_PATH_MAX];
    DIR *folder __attribute__((cleanup(close_folder))) = NULL;
    struct dirent *entry;

    pci_device_path(device->name, "graphics", path);
    folder = open_folder(sysfs, path);
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (strncmp(entry->d_name, "fb", 2) == 0)
            return in_use(
                device, err, "has a framebuffer that the host draws on",
                "reserve it at boot: vfio-pci.ids=VENDOR:DEVICE on the kernel's command line; or use another card");
    return 0;
}

/* ---- processes ----------------------------------------------------------------------------------- */

static bool is_node(const struct nodes *nodes, dev_t number)
{
    for (unsigned i = 0; i < nodes->count; i++)
        if (nodes->numbers[i] == number)
            return true;
    return false;
}

/* Whether a process has one of the nodes open; one that has ended meanwhile has none. */
static bool has_open(int proc, const char *pid, const struct nodes *nodes)
{
    char path[SYSFS_NAME_MAX];
    DIR *folder __attribute__((cleanup(close_folder))) = NULL;
    struct dirent *entry;
    struct stat status;

    (void)snprintf(path, sizeof path, "%.16s/fd", pid);
    folder = open_folder(proc, path);
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.' && fstatat(dirfd(folder), entry->d_name, &status, 0) == 0 &&
            S_ISCHR(status.st_mode) && is_node(nodes, status.st_rdev))
            return true;
    return false;
}

static int check_processes(int proc, const struct pci_device *device, const struct nodes *nodes, struct error *err)
{
    DIR *folder __attribute__((cleanup(close_folder))) = nodes->count == 0 ? NULL : open_folder(proc, ".");
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && has_open(proc, entry->d_name, nodes))
            return error_set(err, ERROR_UNAVAILABLE, -EBUSY,
                             "the PCI device %s is in use by process %.16s; end that, or use another card",
                             device->name, entry->d_name);
    return 0;
}

int display_check_unused(int sysfs, int proc, const struct pci_device *device, struct error *err)
{
    static const char *const folders[] = {"drm", "accel", "sound"};
    struct nodes nodes = {.count = 0};
    char path[SYSFS_PATH_MAX];
    int r;

    if (device->boot_display)
        return in_use(device, err, "is the display that the host booted with",
                      "choose another one as the first in the firmware, or use another card");
    r = check_framebuffer(sysfs, device, err);
    for (size_t i = 0; r == 0 && i < sizeof folders / sizeof folders[0]; i++) {
        pci_device_path(device->name, folders[i], path);
        r = look_at(sysfs, device, path, &nodes, true, err);
    }
    return r < 0 ? r : check_processes(proc, device, &nodes, err);
}
