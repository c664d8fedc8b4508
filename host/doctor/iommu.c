/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IOMMU and its groups. A group is the smallest that can be given to a VM: VFIO calls it viable only when each of
 * its endpoints (bridges don't count) is bound to vfio-pci or to no driver (Linux, driver-api/vfio.rst).
 */
#include "host/doctor/internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX   512u
#define DEVICES_MAX  64u   /* of a group */
#define CLASS_BRIDGE 0x06u /* PCI base class: host, ISA, PCI bridges */

#define GROUPS "/sys/kernel/iommu_groups"

struct endpoints {
    size_t count, foreign;       /* foreign: bound to a driver of the host's */
    char names[DOCTOR_TEXT_MAX]; /* "0000:01:00.0 (10de:1eb8, nouveau)", … */
};

static bool is_bridge(const struct doctor *d, const char *device)
{
    char path[PATH_MAX], text[32];

    (void)snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/class", device);
    return doctor_read_line(d, path, text, sizeof text) == 0 && strtoul(text, NULL, 16) >> 16 == CLASS_BRIDGE;
}

/* "10de:1eb8" of "0x10de" and "0x1eb8". */
static void read_id(const struct doctor *d, const char *device, char ret_id[16])
{
    char path[PATH_MAX], vendor[16] = "", model[16] = "";

    (void)snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/vendor", device);
    if (doctor_read_line(d, path, vendor, sizeof vendor) < 0)
        vendor[0] = '\0';
    (void)snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/device", device);
    if (doctor_read_line(d, path, model, sizeof model) < 0)
        model[0] = '\0';
    (void)snprintf(ret_id, 16, "%.4lx:%.4lx", strtoul(vendor, NULL, 16) & 0xffff, strtoul(model, NULL, 16) & 0xffff);
}

static void look_at_group(const struct doctor *d, const char *group, struct endpoints *ret)
{
    static char devices[DEVICES_MAX][DOCTOR_NAME_MAX];
    char path[PATH_MAX], driver[DOCTOR_NAME_MAX], id[16];
    size_t count;

    memset(ret, 0, sizeof *ret);
    (void)snprintf(path, sizeof path, GROUPS "/%s/devices", group);
    count = doctor_read_folder(d, path, devices, DEVICES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (is_bridge(d, devices[i]))
            continue;
        (void)snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/driver", devices[i]);
        if (doctor_read_link(d, path, driver, sizeof driver) < 0)
            (void)snprintf(driver, sizeof driver, "no driver");
        read_id(d, devices[i], id);
        ret->count++;
        ret->foreign += strcmp(driver, "vfio-pci") != 0 && strcmp(driver, "no driver") != 0;
        doctor_list(ret->names, sizeof ret->names, "%.32s (%s, %.32s)", devices[i], id, driver);
    }
}

static void no_iommu(struct doctor *d)
{
    doctor_advise(doctor_say(d, "iommu", DOCTOR_NOTE, "none: no device can be passed through"),
                  "only --gpu needs it: enable VT-d or AMD-Vi in the firmware, and boot with intel_iommu=on (AMD's "
                  "is on by itself)");
}

static void say_units(struct doctor *d, size_t groups, size_t alone)
{
    char units[8][DOCTOR_NAME_MAX], unsafe[8] = "";
    size_t count = doctor_read_folder(d, "/sys/class/iommu", units, 8);
    char names[DOCTOR_TEXT_MAX] = "";

    for (size_t i = 0; i < count; i++)
        doctor_list(names, sizeof names, "%.32s", units[i]);
    (void)doctor_say(d, "iommu", DOCTOR_OK, "%s: %zu groups, %zu with one endpoint alone", names, groups, alone);
    if (doctor_read_line(d, "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", unsafe, sizeof unsafe) ==
            0 &&
        (unsafe[0] == 'Y' || unsafe[0] == '1'))
        doctor_advise(doctor_say(d, "iommu", DOCTOR_NOTE,
                                 "VFIO works without interrupt remapping (allow_unsafe_interrupts): a guest with a "
                                 "device can raise any interrupt of the host"),
                      "turn interrupt remapping on in the firmware, and the module's parameter off");
}

void doctor_check_iommu(struct doctor *d)
{
    static char groups[GROUPS_MAX][DOCTOR_NAME_MAX];
    size_t count = doctor_read_folder(d, GROUPS, groups, GROUPS_MAX), alone = 0;
    struct endpoints group;

    if (count == 0) {
        no_iommu(d);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        look_at_group(d, groups[i], &group);
        alone += group.count == 1;
    }
    say_units(d, count, alone);
    for (size_t i = 0; i < count; i++) {
        look_at_group(d, groups[i], &group);
        if (group.count > 1)
            doctor_advise(doctor_say(d, "iommu group", DOCTOR_NOTE, "group %s is one for %zu devices: %.400s",
                                     groups[i], group.count, group.names),
                          group.foreign > 1 ? "none of them can go to a VM while the host uses another; a slot with "
                                              "ACS, or all of them together (bound to vfio-pci), can"
                                            : "they go to a VM together or not at all");
    }
}

void doctor_check_vfio(struct doctor *d)
{
    static const char *const modules[] = {"vfio_pci", "vfio_iommu_type1"};
    char absent[128] = "", idle[128] = "";

    if (!doctor_exists(d, GROUPS "/0")) /* nothing to pass through */
        return;
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++) {
        enum doctor_module state = doctor_module_state(d, modules[i]);

        if (state == DOCTOR_MODULE_ABSENT)
            doctor_list(absent, sizeof absent, "%s", modules[i]);
        else if (state == DOCTOR_MODULE_THERE)
            doctor_list(idle, sizeof idle, "%s", modules[i]);
    }
    if (absent[0] != '\0')
        doctor_advise(doctor_say(d, "vfio", DOCTOR_NOTE, "this kernel has no module %s", absent),
                      "only --gpu needs it: boot a kernel with VFIO");
    else if (idle[0] != '\0')
        doctor_advise(doctor_say(d, "vfio", DOCTOR_OK, "modules there, not loaded: %s", idle),
                      "an evaluation with --gpu loads them");
    else
        (void)doctor_say(d, "vfio", DOCTOR_OK, "vfio_pci and vfio_iommu_type1 are loaded");
}
