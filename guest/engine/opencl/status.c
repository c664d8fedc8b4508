/* SPDX-License-Identifier: Apache-2.0 */
/* OpenCL's error codes as text (OpenCL 1.2 specification, appendix A and section 5; cl_khr_icd). */
#include "guest/engine/opencl/internal.h"

#include <errno.h>
#include <stdio.h>

#define PLATFORM_NOT_FOUND (-1001) /* CL_PLATFORM_NOT_FOUND_KHR */

static const struct {
    cl_int status;
    const char *name;
} names[] = {
#define NAME(status)                                                                                                   \
    {                                                                                                                  \
        status, #status                                                                                                \
    }
    NAME(CL_DEVICE_NOT_FOUND),
    NAME(CL_DEVICE_NOT_AVAILABLE),
    NAME(CL_COMPILER_NOT_AVAILABLE),
    NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE),
    NAME(CL_OUT_OF_RESOURCES),
    NAME(CL_OUT_OF_HOST_MEMORY),
    NAME(CL_BUILD_PROGRAM_FAILURE),
    NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
    NAME(CL_INVALID_VALUE),
    NAME(CL_INVALID_DEVICE),
    NAME(CL_INVALID_CONTEXT),
    NAME(CL_INVALID_COMMAND_QUEUE),
    NAME(CL_INVALID_MEM_OBJECT),
    NAME(CL_INVALID_BINARY),
    NAME(CL_INVALID_BUILD_OPTIONS),
    NAME(CL_INVALID_PROGRAM),
    NAME(CL_INVALID_PROGRAM_EXECUTABLE),
    NAME(CL_INVALID_KERNEL_NAME),
    NAME(CL_INVALID_KERNEL),
    NAME(CL_INVALID_KERNEL_ARGS),
    NAME(CL_INVALID_WORK_GROUP_SIZE),
    NAME(CL_INVALID_WORK_ITEM_SIZE),
    NAME(CL_INVALID_BUFFER_SIZE),
    NAME(CL_INVALID_OPERATION),
    {PLATFORM_NOT_FOUND, "CL_PLATFORM_NOT_FOUND_KHR"},
#undef NAME
};

const char *opencl_status_text(cl_int status, char ret_text[OPENCL_STATUS_MAX])
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].status == status)
            return names[i].name;
    (void)snprintf(ret_text, OPENCL_STATUS_MAX, "error %d", (int)status);
    return ret_text;
}

int opencl_failed(const struct opencl_device *device, const char *what, cl_int status, struct error *err)
{
    char text[OPENCL_STATUS_MAX];
    bool memory = status == CL_MEM_OBJECT_ALLOCATION_FAILURE || status == CL_OUT_OF_HOST_MEMORY;

    return error_set(err, memory ? ERROR_UNAVAILABLE : ERROR_INTERNAL, memory ? -ENOMEM : -EIO,
                     "OpenCL device \"%s\": %s: %s", device->name, what, opencl_status_text(status, text));
}
