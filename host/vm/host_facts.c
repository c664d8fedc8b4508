/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine offers to a VM. */
#include "host/vm/host_facts.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define LIBVIRT_DRIVER "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so"

int host_check_qemu(struct error *err)
{
    if (access(HOST_QEMU_PATH, X_OK) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOENT,
                         HOST_QEMU_PATH " is missing; install the package qemu-system-x86");
    if (access(LIBVIRT_DRIVER, R_OK) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOENT,
                         LIBVIRT_DRIVER " is missing; install the package libvirt-daemon-driver-qemu");
    return 0;
}

void host_read_cpu_model(char *ret_text, size_t room)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[512];

    (void)snprintf(ret_text, room, "unknown");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        char *value = strstr(line, ": ");

        if (strncmp(line, "model name", strlen("model name")) != 0 || value == NULL)
            continue;
        value[strcspn(value, "\n")] = '\0';
        (void)snprintf(ret_text, room, "%s", value + 2);
        break;
    }
    if (file != NULL)
        (void)fclose(file);
}

uint64_t host_available_memory_mib(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    unsigned long long kib = 0;
    char line[128];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            break;
    if (file != NULL)
        (void)fclose(file);
    return kib >> 10;
}

int host_first_cpu(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return -1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &set))
            return cpu;
    return -1;
}
