/* SPDX-License-Identifier: Apache-2.0 */
/* How much of each disk a control group may use: io.max of the machine's block devices. */
#ifndef LAZARET_HOST_VM_CGROUP_DISKS_H
#define LAZARET_HOST_VM_CGROUP_DISKS_H

#include <stdint.h>

#define CGROUP_DISKS_MAX 256u

/*
 * Bounds the group's reads, and its writes, on every block device of `blocks` ("/sys/block": whole devices, as io.max
 * takes no partition), whichever of them a job's files lie on: bytes and operations a second, each way. How many
 * devices took it: 0 where the group has no io controller. Documentation/admin-guide/cgroup-v2.rst, "IO Interface
 * Files".
 */
unsigned cgroup_limit_disks(int group_fd, const char *blocks, uint64_t bytes, uint64_t operations);

#endif
