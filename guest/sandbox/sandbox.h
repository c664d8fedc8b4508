/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confinement of a worker: the process that reads a model's bytes and computes with them.
 *
 * Two stages, because the engine's threads must exist before thread creation is forbidden:
 *   sandbox_enter  before any thread and before any foreign byte: descriptors closed, own identity,
 *                  no capabilities, no_new_privs, Landlock, limits. Threads started later inherit it.
 *   sandbox_seal   once the threads run (one that was only just made still has calls of its own to
 *                  make, and would be killed for them): no new thread, process or descriptor, and the seccomp
 *                  filter for all of them (TSYNC).
 * A system call that is not allowed, and a fault, end the worker; the process that started it finds
 * number and address in the report, a page that both share. It is written by the worker and thus
 * evidence, not truth.
 */
#ifndef LAZARET_GUEST_SANDBOX_SANDBOX_H
#define LAZARET_GUEST_SANDBOX_SANDBOX_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define SANDBOX_UID       64720u /* and group; of workers, where the agent is root */
#define SANDBOX_KEEP_MAX  8u
#define SANDBOX_EXIT_TRAP 119                 /* exit status after a report was written */
#define SANDBOX_STACK     (UINT64_C(8) << 20) /* of the worker's first thread */

enum sandbox_event { SANDBOX_NOTHING, SANDBOX_FORBIDDEN_CALL, SANDBOX_FAULT };

/*
 * How calls by x86-64's other entries are numbered, beside their own number: x32 as the kernel does it, and a bit that
 * no kernel uses for the 32-bit entry (int 0x80).
 */
#define SANDBOX_CALL_X32    0x40000000
#define SANDBOX_CALL_32_BIT 0x20000000

/* What a worker left behind. */
struct sandbox_report {
    int32_t event;        /* enum sandbox_event */
    int32_t signal;       /* FAULT: SIGSEGV, SIGBUS, SIGILL or SIGFPE */
    int32_t system_call;  /* FORBIDDEN_CALL: its number on this architecture, with a bit for another entry */
    uint64_t address;     /* FORBIDDEN_CALL: the calling instruction; FAULT: the address that faulted */
    uint64_t instruction; /* FAULT: the instruction that was at work, 0 where that is not known */
};

struct sandbox_profile {
    struct sandbox_report *report; /* in a page shared with the parent (sandbox_report_map), or NULL */
    const int *keep_fds;           /* descriptors that stay open; all others are closed */
    size_t keep_fd_count;          /* at most SANDBOX_KEEP_MAX */
    uint64_t address_space_max;    /* RLIMIT_AS in bytes; 0 leaves it as it is */
    uint64_t data_max;             /* RLIMIT_DATA in bytes; 0 leaves it as it is */
    bool driver;                   /* a device's driver starts before the seal (driver.h) */
};

/* A report page to be inherited by a fork; unmap with sandbox_report_unmap. */
MUST_USE int sandbox_report_map(struct sandbox_report **ret_report);
void sandbox_report_unmap(struct sandbox_report *report);

/* Stage one. A failing step is an error, never skipped, but for Landlock where the kernel has none. */
MUST_USE int sandbox_enter(const struct sandbox_profile *profile, struct error *err);

/* Stage two. What is allowed afterwards stands, each with its reason, beside the code that makes the call (rules.h). */
MUST_USE int sandbox_seal(struct error *err);

/* Stage two of a worker with a driver, whose libraries may have taken the handlers of faults: they are set again. */
MUST_USE int sandbox_seal_with_driver(struct sandbox_report *report, struct error *err);

/*
 * Confinement of the supervisor, once its connection stands and everything is open that it will need: handlers that say
 * on standard error what it did, no capability but to change its workers' identity, to kill them and to end the VM,
 * no_new_privs, Landlock but for evidence below `scratch_fd` (-1: no file at all), and a seccomp filter: no program,
 * socket, mount, trace, module, namespace, no file but that evidence. Its workers inherit all of it and add their own.
 */
MUST_USE int sandbox_guard(int scratch_fd, struct error *err);

/* A system call's name by its number, or "unknown". */
#define SANDBOX_CALL_NAME_MAX 48u
void sandbox_call_name(int32_t number, char ret_name[SANDBOX_CALL_NAME_MAX]);

/* The Landlock ABI of this kernel, 0 where it has none. */
int sandbox_landlock_abi(void);

#endif
