/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine offers to a VM: programs, devices, CPU. */
#ifndef LAZARET_HOST_VM_HOST_FACTS_H
#define LAZARET_HOST_VM_HOST_FACTS_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define HOST_QEMU_PATH "/usr/bin/qemu-system-x86_64"

/* ERROR_UNAVAILABLE, with the package to install, unless QEMU and libvirt's driver are there. */
MUST_USE int host_check_qemu(struct error *err);

/* "model name" of /proc/cpuinfo, or "unknown". */
void host_read_cpu_model(char *ret_text, size_t room);

/* MemAvailable of /proc/meminfo in MiB; 0 where it is not told. */
uint64_t host_available_memory_mib(void);

/* The lowest CPU this process may run on, or -1. */
int host_first_cpu(void);

#endif
