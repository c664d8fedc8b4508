/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of lazaret-agent-opencl. */
#include "guest/agent/driver.h"
#include "guest/engine/opencl/opencl.h"

#include <stdio.h>

static int open_device(int programs_fd, bool first, struct device **ret_device, struct error *err)
{
    const struct opencl_options options = {.programs_fd = programs_fd, .no_probe = !first};

    return opencl_open(&options, ret_device, err);
}

const struct agent_driver driver_opencl = {.name = "opencl", .open = open_device};

int driver_print_device(const struct agent_driver *driver)
{
    struct device *device = NULL;
    struct error err = {0};

    if (driver->open(-1, true, &device, &err) < 0) {
        fprintf(stderr, "lazaret-agent: %s\n", err.text);
        return error_exit_status(err.kind);
    }
    printf("%s\n", device->description);
    opencl_close(device);
    return 0;
}
