/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One disposable VM: start it, connect to its agent, destroy it, and prove that it is gone.
 *
 * vm_start() clones a supervisor into its own PID, mount, network and IPC namespaces. It is PID 1
 * there, so that its end, however it comes, ends QEMU, the vsock device and libvirt's embedded
 * driver with it, and the job's files, which lie in a tmpfs that only these processes see. It dies
 * with the thread that called vm_start() (PDEATHSIG) and at the end of its control socket.
 *
 * Call vm_start() or vm_prepare() while the process has one thread, and from a thread that lives as long as the
 * VM. A struct vm is used by one thread at a time.
 */
#ifndef LAZARET_HOST_VM_H
#define LAZARET_HOST_VM_H

#include "base/error.h"
#include "digest/sha256.h"

#include <stdbool.h>
#include <stdint.h>

#define VM_AGENT_PORT 1024u /* the vsock port on which the agent accepts once, from CID 2 */

#define VM_VCPUS_MAX       64u
#define VM_MEMORY_MIB_MIN  128u
#define VM_MEMORY_MIB_MAX  (1024u * 1024u)
#define VM_OVERHEAD_MIB    128u /* of QEMU and our processes, besides the guest's memory */
#define VM_XML_MAX         32768u
#define VM_TEXT_MAX        256u
#define VM_CONSOLE_DEFAULT (UINT64_C(1) << 20)

enum vm_isolation { VM_MICROVM, VM_PROCESS };
enum vm_acceleration { VM_ACCEL_AUTO, VM_ACCEL_KVM, VM_ACCEL_TCG };
enum vm_transport { VM_TRANSPORT_AUTO, VM_TRANSPORT_VHOST_VSOCK, VM_TRANSPORT_VHOST_USER };

/* Names as in execution.json: "microvm", "kvm", "vhost-vsock", ...; "" for a value out of range. */
const char *vm_isolation_name(enum vm_isolation isolation);
const char *vm_acceleration_name(enum vm_acceleration acceleration);
const char *vm_transport_name(enum vm_transport transport);

struct image;
struct passthrough;
struct vm;

struct vm_options {
    enum vm_isolation isolation;
    enum vm_acceleration acceleration;
    enum vm_transport transport;
    unsigned vcpus;                  /* 1 to VM_VCPUS_MAX */
    uint64_t memory_mib;             /* of the guest, VM_MEMORY_MIB_MIN to VM_MEMORY_MIB_MAX */
    const struct image *image;       /* microvm only; borrowed until vm_prepare() returns */
    const char *agent_path;          /* process isolation only: a static program */
    bool driver;                     /* the agent is dynamic, and computes by a device's driver */
    char *const *agent_arguments;    /* process isolation: more arguments, NULL-terminated, or NULL */
    int console_fd;                  /* receives what the guest prints; borrowed until vm_destroy(); -1: none */
    uint64_t console_max;            /* bytes at most in console_fd; what comes after is dropped and counted */
    const char *scratch_path;        /* microvm: a disk that the guest may write (host/vm/scratch.h); NULL: none */
    struct passthrough *passthrough; /* microvm: a device that was claimed; borrowed until vm_free(); NULL: none */
    int scratch_fd;                  /* that file, open; borrowed until vm_start() returns */
};

/* Why a VM ended. */
enum vm_exit {
    VM_EXIT_NONE,          /* it has not */
    VM_EXIT_GUEST,         /* the guest powered itself off */
    VM_EXIT_DESTROYED,     /* vm_destroy() ended it */
    VM_EXIT_CRASHED,       /* QEMU, or under process isolation the agent, died */
    VM_EXIT_DEVICE_BROKEN, /* the vsock device died */
};

const char *vm_exit_name(enum vm_exit reason);

/* What was looked at after the end, and found. Each is a fact that was checked, not assumed. */
struct vm_proof {
    bool processes_gone;      /* the supervisor was reaped and no process is left in its PID namespace */
    bool mounts_gone;         /* no process is left in its mount namespace, so its tmpfs has no user */
    bool sockets_gone;        /* no process is left in its network namespace, where its sockets were */
    bool cid_released;        /* the CID can be claimed again; true where no host CID was used */
    bool cid_used;            /* a CID of the host's kernel was in use (vhost-vsock) */
    char detail[VM_TEXT_MAX]; /* what is left, or "" */
};

struct vm_record {
    enum vm_isolation isolation;
    enum vm_acceleration acceleration; /* in effect: KVM or TCG; AUTO under process isolation */
    char acceleration_reason[VM_TEXT_MAX];
    enum vm_transport transport; /* in effect; AUTO under process isolation */
    char transport_reason[VM_TEXT_MAX];
    char machine[64];
    char domain_xml[VM_XML_MAX]; /* what libvirt was given; "" under process isolation */
    uint8_t domain_xml_sha256[SHA256_SIZE];
    char qemu_version[32], libvirt_version[32];
    char cpu_model[128];      /* of the host */
    uint64_t peak_memory_kib; /* QEMU's (or the agent's) largest resident set, guest RAM included */
    uint64_t cpu_ns;          /* user and system time of QEMU, or of the agent */
    uint64_t start_wall_ns;   /* vm_boot() or vm_start(): its call to a running domain */
    uint64_t boot_wall_ns;    /* from that call to the first connection; 0 without one */
    uint64_t console_bytes;   /* written to console_fd */
    uint64_t console_dropped; /* printed by the guest beyond console_max */
    enum vm_exit exit_reason;
    char exit_detail[VM_TEXT_MAX];
    struct vm_proof proof;
};

/*
 * Makes ready for a VM: its supervisor waits in its namespaces, with the job's identities; nothing of a guest is there
 * yet. All of a job's VMs are prepared before the first one boots, as the monitor then gives up what it takes to
 * make one (host/confine/monitor.h). Errors as those of vm_start().
 */
MUST_USE int vm_prepare(const struct vm_options *options, struct vm **ret_vm, struct error *err);

/* Starts a prepared VM, once; returns when its CPU runs (the guest is still booting). Threads may be running. */
MUST_USE int vm_boot(struct vm *vm, struct error *err);

/*
 * Both at once.
 * ERROR_UNAVAILABLE: something this machine lacks (QEMU, KVM that was demanded, namespaces), with
 * the remedy; ERROR_USAGE: an option out of range; ERROR_INTERNAL: libvirt or QEMU refused.
 */
MUST_USE int vm_start(const struct vm_options *options, struct vm **ret_vm, struct error *err);

/*
 * Connects to the agent, trying again while the guest boots. *ret_fd is a non-blocking stream that
 * the caller closes. ERROR_GUEST: the VM ended or did not answer before the deadline.
 */
MUST_USE int vm_connect(struct vm *vm, uint64_t deadline_ns, int *ret_fd, struct error *err);

/*
 * A descriptor that poll(2) finds readable once the VM has ended by itself; owned by `vm`.
 * vm_poll_exit() then tells the reason; VM_EXIT_NONE while it runs.
 */
int vm_exit_fd(const struct vm *vm);
enum vm_exit vm_poll_exit(struct vm *vm);

/* The same, for who has seen the connection end: waits VM_DEADLINE_EXIT_TOLD_MS at most for the supervisor's word. */
enum vm_exit vm_await_exit(struct vm *vm);

/* Which rule of virtio-vsock the guest broke, so that our device reset its stream; NULL where it broke none. */
const char *vm_stream_fault(const struct vm *vm);

/* What is known besides of the reason, or ""; the supervisor's word. */
const char *vm_exit_detail(const struct vm *vm);

/*
 * Ends everything and looks whether anything is left. The record is written whatever the result.
 * ERROR_INTERNAL when something is left; record->proof.detail names it.
 */
MUST_USE int vm_destroy(struct vm *vm, struct vm_record *ret_record, struct error *err);

/* The supervisor of a prepared VM, of whom every process of it descends; and whether QEMU translates its code. */
int vm_supervisor(const struct vm *vm);
bool vm_is_translated(const struct vm *vm);

/* Kills what still runs and frees; NULL is fine. */
void vm_free(struct vm *vm);

static inline void vm_cleanup(struct vm **vm)
{
    vm_free(*vm);
}
#define CLEANUP_VM CLEANUP(vm_cleanup)

#endif
