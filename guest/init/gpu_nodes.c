/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU's device nodes. */
#include "guest/init/gpu_nodes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PCI_DEVICES   "/sys/bus/pci/devices"
#define DEVICES       "/proc/devices"
#define CLASS_DISPLAY "0x03" /* PCI Code and ID Assignment: base classes */
#define CLASS_COMPUTE "0x12"
#define LINE_SIZE     128u

/* NVIDIA's driver registers majors and leaves the nodes to a set-id program; their minors: its README,
 * "nvidia-modprobe". */
#define NVIDIA_CONTROL_MINOR 255u

static bool is_gpu(const char *device)
{
    char path[PATH_MAX], class[16] = "";
    CLEANUP_FD int fd = -1;

    (void)snprintf(path, sizeof path, PCI_DEVICES "/%s/class", device);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, class, sizeof class - 1) > 0 &&
           (strncmp(class, CLASS_DISPLAY, strlen(CLASS_DISPLAY)) == 0 ||
            strncmp(class, CLASS_COMPUTE, strlen(CLASS_COMPUTE)) == 0);
}

bool gpu_is_there(void)
{
    DIR *devices = opendir(PCI_DEVICES);
    const struct dirent *entry;
    bool found = false;

    while (devices != NULL && !found && (entry = readdir(devices)) != NULL)
        found = entry->d_name[0] != '.' && is_gpu(entry->d_name);
    if (devices != NULL)
        (void)closedir(devices);
    return found;
}

static int failed(struct error *err, const char *path)
{
    return error_set(err, ERROR_INTERNAL, -errno, "the GPU's device: %s: %s", path, strerror(errno));
}

static int make_node(const char *path, unsigned number, unsigned sub, struct error *err)
{
    if (mknod(path, S_IFCHR | 0666, makedev(number, sub)) < 0 && errno != EEXIST)
        return failed(err, path);
    return 0;
}

/* By the majors that the kernel lists. */
static int make_nvidia_nodes(struct error *err)
{
    FILE *list = fopen(DEVICES, "re");
    char line[LINE_SIZE], name[LINE_SIZE];
    unsigned number;
    int r = 0;

    while (list != NULL && r == 0 && fgets(line, sizeof line, list) != NULL) {
        if (sscanf(line, "%u %127s", &number, name) != 2)
            continue;
        if (strcmp(name, "nvidia") == 0 || strcmp(name, "nvidia-frontend") == 0) {
            r = make_node("/dev/nvidia0", number, 0, err);
            if (r == 0)
                r = make_node("/dev/nvidiactl", number, NVIDIA_CONTROL_MINOR, err);
        } else if (strcmp(name, "nvidia-uvm") == 0) {
            r = make_node("/dev/nvidia-uvm", number, 0, err);
        }
    }
    if (list != NULL)
        (void)fclose(list);
    return r;
}

/* Nodes of a folder that begin so. */
static int open_to_all(const char *folder, const char *beginning, struct error *err)
{
    DIR *nodes = opendir(folder);
    const struct dirent *entry;
    int r = 0;

    while (nodes != NULL && r == 0 && (entry = readdir(nodes)) != NULL) {
        char path[PATH_MAX];

        if (strncmp(entry->d_name, beginning, strlen(beginning)) != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (chmod(path, 0666) < 0)
            r = failed(err, path);
    }
    if (nodes != NULL)
        (void)closedir(nodes);
    return r;
}

int gpu_open_nodes(struct error *err)
{
    int r = make_nvidia_nodes(err);

    if (r == 0)
        r = open_to_all("/dev/dri", "renderD", err);
    if (r == 0)
        r = open_to_all("/dev", "kfd", err);
    return r < 0 ? r : open_to_all("/dev", "nvidia", err);
}
