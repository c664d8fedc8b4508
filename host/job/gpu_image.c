/* SPDX-License-Identifier: Apache-2.0 */
/* The guest image of a job that computes on an OpenCL device. */
#include "host/job/gpu_image.h"

#include "host/vm/passthrough/check.h"
#include "host/vm/state.h"

#include <errno.h>
#include <fcntl.h>

static int open_only(struct image **ret_image, struct error *err)
{
    enum manifest_gpu only = MANIFEST_GPU_COUNT;

    for (int gpu = 0; gpu < MANIFEST_GPU_COUNT; gpu++) {
        if (!image_has_gpu((enum manifest_gpu)gpu))
            continue;
        if (only != MANIFEST_GPU_COUNT)
            return error_set(err, ERROR_USAGE, -EINVAL,
                             "--device opencl: there are images for the GPUs of %s and of %s; say by --gpu PCI which "
                             "card is meant",
                             manifest_gpu_names[only], manifest_gpu_names[gpu]);
        only = (enum manifest_gpu)gpu;
    }
    if (only == MANIFEST_GPU_COUNT)
        return error_set(
            err, ERROR_NO_INPUT, -ENOENT,
            "--device opencl: %s/" IMAGE_FOLDER " has no image with an OpenCL driver; make one by "
            "`lazaret image build --gpu nvidia|amd|intel` (docs/gpu-image.md), or take --isolation process "
            "where the policy allows it",
            state_path());
    return image_open_gpu(only, ret_image, err);
}

int gpu_image_open(int sysfs, const char *gpu, struct image **ret_image, struct error *err)
{
    struct pci_address address;
    struct pci_device device;
    enum manifest_gpu vendor;

    if (gpu == NULL)
        return open_only(ret_image, err);
    if (pci_address_parse(gpu, &address) < 0)
        return error_set(err, ERROR_USAGE, -EINVAL, "--gpu %s: no PCI address; one looks like 0000:01:00.0", gpu);
    if (pci_device_read(sysfs, &address, &device, NULL) < 0 || !check_is_gpu(&device))
        return image_open(NULL, ret_image, err);
    vendor = manifest_gpu_of_vendor(device.vendor);
    if (vendor == MANIFEST_GPU_COUNT)
        return error_set(err, ERROR_UNAVAILABLE, -EOPNOTSUPP,
                         "--device opencl: the PCI device %s is of vendor 0x%04x; images are made for the GPUs of "
                         "NVIDIA, AMD and Intel",
                         device.name, device.vendor);
    return image_open_gpu(vendor, ret_image, err);
}

int gpu_image_open_here(const char *gpu, struct image **ret_image, struct error *err)
{
    CLEANUP_FD int sysfs = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (sysfs < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "/sys must be there");
    return gpu_image_open(sysfs, gpu, ret_image, err);
}
