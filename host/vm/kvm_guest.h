/* SPDX-License-Identifier: Apache-2.0 */
/* A guest of a few instructions, run by the kernel's KVM interface without QEMU. */
#ifndef LAZARET_HOST_VM_KVM_GUEST_H
#define LAZARET_HOST_VM_KVM_GUEST_H

/*
 * Runs the guest to its end; blocks for as long as it takes. 0 when it did what it should; else a
 * negative errno. Either way `ret_reason` (room bytes) says in words what was seen.
 */
int kvm_guest_run(char *ret_reason, unsigned room);

#endif
