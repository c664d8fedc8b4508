/* SPDX-License-Identifier: Apache-2.0 */
/* What Linux's virtio_uml driver needs and QEMU does not, added between it and the device. */
#ifndef LAZARET_TESTS_VM_VSOCK_UML_H
#define LAZARET_TESTS_VM_VSOCK_UML_H

/* Starts a process that takes user-mode-linux's connection at `path` and passes its messages to the device that
   listens at `device_path`. It ends with either side. */
void uml_adapt(const char *path, const char *device_path);

#endif
