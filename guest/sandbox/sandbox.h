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
#define SANDBOX_EXIT_TRAP 119 /* exit status after a report was written */

enum sandbox_event { SANDBOX_NOTHING, SANDBOX_FORBIDDEN_CALL, SANDBOX_FAULT };

/* What a worker left behind. */
struct sandbox_report {
    int32_t event;       /* enum sandbox_event */
    int32_t signal;      /* FAULT: SIGSEGV, SIGBUS, SIGILL or SIGFPE */
    int32_t system_call; /* FORBIDDEN_CALL: its number on this architecture */
    uint64_t address;    /* FORBIDDEN_CALL: of the instruction; FAULT: the address that faulted */
};

struct sandbox_profile {
    struct sandbox_report *report; /* in a page shared with the parent (sandbox_report_map), or NULL */
    const int *keep_fds;           /* descriptors that stay open; all others are closed */
    size_t keep_fd_count;          /* at most SANDBOX_KEEP_MAX */
    uint64_t address_space_max;    /* RLIMIT_AS in bytes; 0 leaves it as it is */
};

/* A report page to be inherited by a fork; unmap with sandbox_report_unmap. */
MUST_USE int sandbox_report_map(struct sandbox_report **ret_report);
void sandbox_report_unmap(struct sandbox_report *report);

/* Stage one. A failing step is an error, never skipped, but for Landlock where the kernel has none. */
MUST_USE int sandbox_enter(const struct sandbox_profile *profile, struct error *err);

/* Stage two. What is allowed afterwards stands, each with its reason, in filter.c. */
MUST_USE int sandbox_seal(struct error *err);

/* A system call's name by its number, or "unknown". */
#define SANDBOX_CALL_NAME_MAX 48u
void sandbox_call_name(int number, char ret_name[SANDBOX_CALL_NAME_MAX]);

/* The Landlock ABI of this kernel, 0 where it has none. */
int sandbox_landlock_abi(void);

#endif
