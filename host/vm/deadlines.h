/* SPDX-License-Identifier: Apache-2.0 */
/* Every wait of a VM's life, in milliseconds, in one place. */
#ifndef LAZARET_HOST_VM_DEADLINES_H
#define LAZARET_HOST_VM_DEADLINES_H

#include <stdint.h>

/* Guest instructions of the acceleration probe: milliseconds where KVM works, never where it hangs. */
#define VM_DEADLINE_PROBE_MS 1000u

/* The same where KVM was asked for by name: a host may be busy, and there is nothing to fall back to. */
#define VM_DEADLINE_PROBE_NAMED_MS 10000u

/* From vm_start() to a running domain: libvirt's cold probing of QEMU included. */
#define VM_DEADLINE_START_MS 30000u

/* With a device passed through all of the guest's memory is pinned before it runs: so much more for each GiB of it. */
#define VM_DEADLINE_PIN_MS_PER_GIB 10000u

/* That time, for a guest of so much memory. */
static inline uint64_t vm_deadline_pin_ms(uint64_t memory_mib)
{
    return (memory_mib + 1023u) / 1024u * VM_DEADLINE_PIN_MS_PER_GIB;
}

/* A device's driver to let go of it or to have it back, its reset: the kernel gives a device 60 s to come back. */
#define VM_DEADLINE_DEVICE_MS 120000u

/* The start, and the end, of the process that keeps a device. */
#define VM_DEADLINE_KEEPER_MS 10000u

/* From vm_start() to the agent's first byte, unless the caller says otherwise. */
#define VM_DEADLINE_BOOT_MS 60000u

/* One attempt to connect, and the pause before the next while the guest boots. */
#define VM_DEADLINE_CONNECT_ATTEMPT_MS 2000u
#define VM_CONNECT_PAUSE_MS            5u

/* QEMU's end after it was told to, before it is killed. */
#define VM_DEADLINE_QUIT_MS 1000u

/* From QEMU's end to libvirt's word for whose doing it was. */
#define VM_DEADLINE_LIBVIRT_MS 4000u

/*
 * From the end of the connection to the word that the VM has ended, if it has: through QEMU's end, libvirt's event, the
 * controller and the supervisor, each a process that a busy host may let wait. A guest that hung up and lives on costs
 * its job as long.
 */
#define VM_DEADLINE_EXIT_TOLD_MS 8000u

/* From the order to destroy to the supervisor's own end; killed after it. */
#define VM_DEADLINE_DESTROY_MS 5000u

/* From SIGKILL of the supervisor to the end of its PID namespace. */
#define VM_DEADLINE_KILL_MS 2000u

#endif
