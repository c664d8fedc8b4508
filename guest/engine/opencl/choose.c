/* SPDX-License-Identifier: Apache-2.0 */
/* Which device is taken, and what it must report (OpenCL 1.2 specification, table 4.3). */
#include "guest/engine/opencl/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PLATFORMS_MAX      16u
#define DEVICES_MAX        32u /* of one platform */
#define TEXT_MAX           256u
#define WORK_GROUP_LEAST   256u
#define LOCAL_MEMORY_LEAST (32u << 10)

static const struct {
    cl_device_fp_config bit;
    const char *lack;
} arithmetic[] = {
    {CL_FP_FMA, "reports no fused multiply-add"},
    {CL_FP_DENORM, "reports no denormals"},
    {CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT, "reports no correctly rounded division and square root"},
    {CL_FP_ROUND_TO_NEAREST, "reports no rounding to nearest"},
    {CL_FP_INF_NAN, "reports no infinities and NaN"},
};

static int refuse(char ret_reason[OPENCL_REASON_MAX], const char *reason)
{
    (void)snprintf(ret_reason, OPENCL_REASON_MAX, "%s", reason);
    return -ENOTSUP;
}

/* A driver's text: printable, without the separator of descriptions; "?" where it has none. */
static void take_text(cl_device_id id, cl_device_info what, char *ret_text, size_t size)
{
    char text[TEXT_MAX] = "";
    size_t count = 0;

    if (clGetDeviceInfo(id, what, sizeof text - 1, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
    text[sizeof text - 1] = '\0';
    for (const char *c = text; *c != '\0' && count + 1 < size; c++)
        if (*c >= ' ' && *c < 0x7f && *c != '|' && *c != '"' && !(*c == ' ' && (count == 0 || c[-1] == ' ')))
            ret_text[count++] = *c;
    ret_text[count] = '\0';
    if (count == 0)
        (void)snprintf(ret_text, size, "?");
}

static bool version_suffices(cl_device_id id)
{
    char version[TEXT_MAX] = "";
    unsigned major = 0, minor = 0;

    if (clGetDeviceInfo(id, CL_DEVICE_VERSION, sizeof version - 1, version, NULL) != CL_SUCCESS ||
        sscanf(version, "OpenCL %u.%u", &major, &minor) != 2)
        return false;
    return major > 1 || (major == 1 && minor >= 2);
}

static int check_sizes(cl_device_id id, char ret_reason[OPENCL_REASON_MAX])
{
    cl_ulong local = 0;
    size_t group = 0;

    if (clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof group, &group, NULL) != CL_SUCCESS ||
        group < WORK_GROUP_LEAST)
        return refuse(ret_reason, "takes work groups of fewer than 256");
    if (clGetDeviceInfo(id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local, NULL) != CL_SUCCESS ||
        local < LOCAL_MEMORY_LEAST)
        return refuse(ret_reason, "has less than 32 KiB of local memory");
    return 0;
}

int opencl_check_device(cl_device_id id, char ret_reason[OPENCL_REASON_MAX])
{
    cl_bool available = CL_FALSE, compiler = CL_FALSE, little = CL_FALSE;
    cl_device_fp_config config = 0;

    if (clGetDeviceInfo(id, CL_DEVICE_AVAILABLE, sizeof available, &available, NULL) != CL_SUCCESS || !available)
        return refuse(ret_reason, "is not available");
    if (clGetDeviceInfo(id, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, NULL) != CL_SUCCESS || !compiler)
        return refuse(ret_reason, "has no compiler");
    if (!version_suffices(id))
        return refuse(ret_reason, "has an OpenCL before 1.2");
    if (clGetDeviceInfo(id, CL_DEVICE_ENDIAN_LITTLE, sizeof little, &little, NULL) != CL_SUCCESS || !little)
        return refuse(ret_reason, "is not little-endian");
    if (clGetDeviceInfo(id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof config, &config, NULL) != CL_SUCCESS)
        config = 0;
    for (size_t i = 0; i < sizeof(arithmetic) / sizeof(arithmetic[0]); i++)
        if ((config & arithmetic[i].bit) == 0)
            return refuse(ret_reason, arithmetic[i].lack);
    return check_sizes(id, ret_reason);
}

static int describe(struct opencl_device *device, struct error *err)
{
    cl_ulong memory = 0, most = 0;
    char version[40], driver[24];
    cl_int status = clGetDeviceInfo(device->id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory, NULL);

    take_text(device->id, CL_DEVICE_NAME, device->name, sizeof device->name);
    take_text(device->id, CL_DEVICE_VERSION, version, sizeof version);
    take_text(device->id, CL_DRIVER_VERSION, driver, sizeof driver);
    if (status == CL_SUCCESS)
        status = clGetDeviceInfo(device->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof most, &most, NULL);
    if (status == CL_SUCCESS)
        status = clGetDeviceInfo(device->id, CL_DEVICE_TYPE, sizeof device->type, &device->type, NULL);
    if (status != CL_SUCCESS)
        return opencl_failed(device, "its memory's size", status, err);
    device->memory = memory;
    device->allocation_max = most;
    (void)snprintf(device->description, sizeof device->description, "opencl|%s|%s|%s", device->name, version, driver);
    device->base.description = device->description;
    return 0;
}

/* What was found, and why nothing of it will do. */
struct search {
    cl_platform_id platforms[PLATFORMS_MAX];
    cl_uint platform_count;
    char refused[ERROR_TEXT_MAX / 2];
    unsigned devices;
};

static void note_refusal(struct search *search, cl_device_id id, const char *reason)
{
    char name[OPENCL_NAME_MAX];
    size_t used = strlen(search->refused);

    take_text(id, CL_DEVICE_NAME, name, sizeof name);
    (void)snprintf(search->refused + used, sizeof search->refused - used, "%s\"%s\" %s", used == 0 ? "" : "; ", name,
                   reason);
}

/* The first usable device of a type; 0 without one: device->id stays NULL. */
static void search_type(struct search *search, cl_device_type type, struct opencl_device *device)
{
    cl_device_id ids[DEVICES_MAX];

    for (cl_uint p = 0; p < search->platform_count && device->id == NULL; p++) {
        cl_uint count = 0;

        if (clGetDeviceIDs(search->platforms[p], type, DEVICES_MAX, ids, &count) != CL_SUCCESS)
            continue;
        count = count < DEVICES_MAX ? count : DEVICES_MAX;
        for (cl_uint i = 0; i < count && device->id == NULL; i++) {
            char reason[OPENCL_REASON_MAX];

            search->devices++;
            if (opencl_check_device(ids[i], reason) < 0) {
                note_refusal(search, ids[i], reason);
                continue;
            }
            device->platform = search->platforms[p];
            device->id = ids[i];
        }
    }
}

int opencl_choose(struct opencl_device *device, struct error *err)
{
    static const cl_device_type types[] = {CL_DEVICE_TYPE_GPU, CL_DEVICE_TYPE_ACCELERATOR, CL_DEVICE_TYPE_CPU};
    struct search search = {.platform_count = 0};
    cl_int status = clGetPlatformIDs(PLATFORMS_MAX, search.platforms, &search.platform_count);

    if (status != CL_SUCCESS || search.platform_count == 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENODEV,
                         "no OpenCL driver has a device here (no ICD in /etc/OpenCL/vendors works, or its driver "
                         "finds no card); install the GPU vendor's, give a microVM the card by --gpu PCI, or use "
                         "--device cpu, which gives the same bits");
    search.platform_count = search.platform_count < PLATFORMS_MAX ? search.platform_count : PLATFORMS_MAX;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && device->id == NULL; i++)
        search_type(&search, types[i], device);
    if (device->id != NULL)
        return describe(device, err);
    if (search.devices == 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENODEV,
                         "the OpenCL driver finds no device here; use --device cpu, which gives the same bits");
    return error_set(err, ERROR_UNAVAILABLE, -ENODEV,
                     "no OpenCL device here can give the processor's bits: %s; use --device cpu, which gives the same",
                     search.refused);
}
