/* SPDX-License-Identifier: Apache-2.0 */
/* Which GPUs could be given to a guest by --gpu: group, driver, resets, and what stands against it. */
#include "host/doctor/internal.h"

#include "host/vm/passthrough/check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#define DEVICES_MAX 1024u
#define GPUS_MAX    16u

static int open_below(const struct doctor *d, const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s%s", d->root, name);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void say_gpu(struct doctor *d, const struct check_places *places, const struct pci_device *device)
{
    struct pci_group group;
    struct error refusal = {0};
    bool fit = check_device(places, &device->address, &group, &refusal) == 0;
    char number[16] = "none", companions[DOCTOR_TEXT_MAX] = "";
    struct doctor_finding *finding;

    if (device->group != PCI_NO_GROUP)
        (void)snprintf(number, sizeof number, "%d", device->group);
    for (unsigned i = 1; fit && i < group.count; i++)
        doctor_list(companions, sizeof companions, "%s", group.functions[i].name);
    finding = doctor_say(d, "gpu", fit ? DOCTOR_OK : DOCTOR_NOTE,
                         "%s (%04x:%04x): IOMMU group %s, driver %s, resets: %s%s%s", device->name, device->vendor,
                         device->device, number, device->driver[0] == '\0' ? "none" : device->driver,
                         device->resets[0] == '\0' ? "none" : device->resets,
                         companions[0] == '\0' ? "" : "; taken along: ", companions);
    if (!fit)
        doctor_advise(finding, "%s", refusal.text);
    else
        doctor_advise(finding, "lazaret evaluate --gpu %s", device->name);
}

void doctor_check_gpus(struct doctor *d)
{
    static char names[DEVICES_MAX][DOCTOR_NAME_MAX];
    struct check_places places = {open_below(d, "/sys"), open_below(d, "/proc"), open_below(d, "/dev")};
    size_t count = doctor_read_folder(d, "/sys/bus/pci/devices", names, DEVICES_MAX);
    struct pci_address address;
    struct pci_device device;
    unsigned gpus = 0;

    for (size_t i = 0; i < count && places.sysfs >= 0 && gpus < GPUS_MAX; i++) {
        if (pci_address_parse(names[i], &address) < 0 || pci_device_read(places.sysfs, &address, &device, NULL) < 0 ||
            !check_is_gpu(&device))
            continue;
        gpus++;
        say_gpu(d, &places, &device);
    }
    if (gpus == 0)
        (void)doctor_say(d, "gpu", DOCTOR_OK, "none: evaluations compute on the processor");
    check_close_places(&places);
}
