/* SPDX-License-Identifier: Apache-2.0 */
/* Which GPUs could be given to a guest by --gpu: group, driver, resets, guest image, and what stands against it. */
#include "host/doctor/internal.h"

#include "host/vm/passthrough/check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DEVICES_MAX 1024u
#define GPUS_MAX    16u
#define WEAK_RESET  "pm" /* D3hot and back: what the device keeps over it is its own affair */

static int open_below(const struct doctor *d, const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s%s", d->root, name);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* What is still to be done for a job on it, once nothing stands against its passage. */
static void advise_image(const struct doctor *d, const struct pci_device *device, struct doctor_finding *finding,
                         const char *refusal)
{
    enum manifest_gpu vendor = manifest_gpu_of_vendor(device->vendor);
    const char *separator = refusal[0] == '\0' ? "" : "; ", *name = manifest_gpu_names[vendor];

    if (vendor == MANIFEST_GPU_COUNT)
        doctor_advise(finding, "%s%sguest images are made for the GPUs of NVIDIA, AMD and Intel only", refusal,
                      separator);
    else if (!d->facts.gpu_image[vendor])
        doctor_advise(finding, "%s%slazaret image build --gpu %s%s (docs/gpu-image.md)%s%s%s", refusal, separator, name,
                      vendor == MANIFEST_GPU_INTEL ? "" : " --driver DIR",
                      refusal[0] == '\0' ? ", then lazaret evaluate --gpu " : "",
                      refusal[0] == '\0' ? device->name : "", refusal[0] == '\0' ? " --device opencl" : "");
    else if (refusal[0] != '\0')
        doctor_advise(finding, "%s", refusal);
    else
        doctor_advise(finding, "lazaret evaluate --gpu %s --device opencl%s", device->name,
                      strcmp(device->resets, WEAK_RESET) == 0
                          ? "; but its only reset is a change of its power state, which need not clear its memory"
                          : "");
}

static const char *image_state(const struct doctor *d, const struct pci_device *device)
{
    enum manifest_gpu vendor = manifest_gpu_of_vendor(device->vendor);

    if (vendor == MANIFEST_GPU_COUNT)
        return "none for this vendor";
    return d->facts.gpu_image[vendor] ? manifest_gpu_names[vendor] : "not made yet";
}

static void say_gpu(struct doctor *d, const struct check_places *places, const struct pci_device *device)
{
    enum manifest_gpu vendor = manifest_gpu_of_vendor(device->vendor);
    struct pci_group group;
    struct error refusal = {0};
    bool fit = check_device(places, &device->address, &group, &refusal) == 0;
    bool ready = fit && vendor != MANIFEST_GPU_COUNT && d->facts.gpu_image[vendor];
    char number[16] = "none", companions[DOCTOR_TEXT_MAX] = "";
    struct doctor_finding *finding;

    if (device->group != PCI_NO_GROUP)
        (void)snprintf(number, sizeof number, "%d", device->group);
    for (unsigned i = 1; fit && i < group.count; i++)
        doctor_list(companions, sizeof companions, "%s", group.functions[i].name);
    finding = doctor_say(d, "gpu", ready && strcmp(device->resets, WEAK_RESET) != 0 ? DOCTOR_OK : DOCTOR_NOTE,
                         "%s (%04x:%04x): IOMMU group %s, driver %s, resets: %s, guest image: %s%s%s", device->name,
                         device->vendor, device->device, number, device->driver[0] == '\0' ? "none" : device->driver,
                         device->resets[0] == '\0' ? "none" : device->resets, image_state(d, device),
                         companions[0] == '\0' ? "" : "; taken along: ", companions);
    advise_image(d, device, finding, fit ? "" : refusal.text);
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
