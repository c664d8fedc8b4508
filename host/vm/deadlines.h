/* SPDX-License-Identifier: Apache-2.0 */
/* Every wait of a VM's life, in milliseconds, in one place. */
#ifndef LAZARET_HOST_VM_DEADLINES_H
#define LAZARET_HOST_VM_DEADLINES_H

/* Guest instructions of the acceleration probe: milliseconds where KVM works, never where it hangs. */
#define VM_DEADLINE_PROBE_MS 1000u

/* From vm_start() to a running domain: libvirt's cold probing of QEMU included. */
#define VM_DEADLINE_START_MS 30000u

/* From vm_start() to the agent's first byte, unless the caller says otherwise. */
#define VM_DEADLINE_BOOT_MS 60000u

/* One attempt to connect, and the pause before the next while the guest boots. */
#define VM_DEADLINE_CONNECT_ATTEMPT_MS 2000u
#define VM_CONNECT_PAUSE_MS            5u

/* QEMU's end after it was told to, before it is killed. */
#define VM_DEADLINE_QUIT_MS 1000u

/* From the order to destroy to the supervisor's own end; killed after it. */
#define VM_DEADLINE_DESTROY_MS 5000u

/* From SIGKILL of the supervisor to the end of its PID namespace. */
#define VM_DEADLINE_KILL_MS 2000u

#endif
