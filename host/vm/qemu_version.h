/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's version, from the capabilities that libvirt keeps.
 *
 * libvirt asks each QEMU once what it can do and keeps the answer as XML, in a file named by the SHA-256 of the
 * program's path (virfilecache.c, virQEMUCapsFormatCache in its source). virConnectGetVersion tells the same, but has
 * libvirt look for the QEMU of each of thirty architectures again and fork for one: 12 ms of CPU a job.
 */
#ifndef LAZARET_HOST_VM_QEMU_VERSION_H
#define LAZARET_HOST_VM_QEMU_VERSION_H

#include "base/error.h"

#include <stdint.h>

/*
 * 1000000 * major + 1000 * minor + release of HOST_QEMU_PATH, as libvirt writes it; `folder` is its
 * cache/qemu/capabilities. -ENOENT where there is no such file, -EFBIG where it is beyond reason, -EBADMSG where it says
 * no version of that program.
 */
MUST_USE int qemu_version_kept(const char *folder, uint32_t *ret_version);

#endif
