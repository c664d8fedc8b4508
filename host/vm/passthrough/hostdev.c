/* SPDX-License-Identifier: Apache-2.0 */
/* What the VM and its sandbox get of a device. */
#include "host/vm/passthrough/hostdev.h"

#include "host/vm/passthrough/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define DEV_PATH_MAX 64u

int hostdev_append_xml(struct buffer *xml, const struct pci_address *address)
{
    return buffer_append_format(xml,
                                "    <hostdev mode='subsystem' type='pci' managed='yes'>\n"
                                "      <driver name='vfio'/>\n"
                                "      <source>\n"
                                "        <address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>\n"
                                "      </source>\n"
                                "      <rom enabled='no'/>\n"
                                "      <address type='pci' domain='0x0000' bus='0x00' slot='" HOSTDEV_PCI_SLOT
                                "' function='0x0'/>\n"
                                "    </hostdev>\n",
                                address->domain, address->bus, address->slot, address->function);
}

static int make_node(const char *path, const char *attribute, uid_t owner, struct error *err)
{
    CLEANUP_FD int sysfs = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unsigned major_number, minor_number;
    char text[SYSFS_NAME_MAX], end;
    int r = sysfs < 0 ? -errno : sysfs_read_text(sysfs, attribute, text, sizeof text);

    if (r == 0 && sscanf(text, "%4u:%7u%c", &major_number, &minor_number, &end) != 2)
        r = -EBADMSG;
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r,
                         "VFIO has no /sys/%s: %s; load the modules vfio_iommu_type1 and "
                         "vfio-pci",
                         attribute, strerror(-r));
    if (mknod(path, S_IFCHR | 0600, makedev(major_number, minor_number)) < 0 || chown(path, owner, owner) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "can't make a job's %s: %s", path, strerror(errno));
    return 0;
}

int hostdev_make_nodes(const char *dev, int group, uid_t owner, struct error *err)
{
    char path[DEV_PATH_MAX], attribute[SYSFS_PATH_MAX];
    int r;

    (void)snprintf(path, sizeof path, "%s/vfio", dev);
    if (mkdir(path, 0755) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "can't make a job's %s: %s", path, strerror(errno));
    (void)snprintf(path, sizeof path, "%s/vfio/vfio", dev);
    r = make_node(path, "class/misc/vfio/dev", owner, err);
    if (r < 0)
        return r;
    (void)snprintf(path, sizeof path, "%s/vfio/%d", dev, group);
    (void)snprintf(attribute, sizeof attribute, "class/vfio/%d/dev", group);
    return make_node(path, attribute, owner, err);
}

int hostdev_allow_locking(uint64_t memory_mib, struct error *err)
{
    rlim_t bytes = (rlim_t)(memory_mib + HOSTDEV_LOCKED_MIB) << 20;
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};

    if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "can't let a guest's memory be locked: %s", strerror(errno));
    return 0;
}
