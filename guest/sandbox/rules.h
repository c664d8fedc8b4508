/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls are allowed: the table that system_calls.awk makes from the comments beside the code that makes
 * the calls (its head says how such a comment is written; those of the C library are in libc.calls).
 *
 * A source file includes this where it needs the table itself; with SANDBOX_RULE_TEXTS it has the reasons too, which
 * the agent does not carry.
 */
#ifndef LAZARET_GUEST_SANDBOX_RULES_H
#define LAZARET_GUEST_SANDBOX_RULES_H

#include "guest/sandbox/sandbox.h"

/* The constants that conditions name. */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RULE_CONDITIONS_MAX 3u

/* Masks and values that have no name elsewhere, or are known only when the filter is loaded. */
#define NEW_NAMESPACES                                                                                                 \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define OWN_PROCESS    (UINT64_MAX - 1) /* the caller's process id */
#define SCRATCH_FOLDER (UINT64_MAX - 2) /* the scratch disk's descriptor; where there is none the rule is left out */

/* Who makes a call. One bit each: a filter allows the calls of several. */
enum rule_profile {
    RULE_worker = 1,     /* a worker after its seal */
    RULE_entry = 2,      /* a worker on its way there */
    RULE_supervisor = 4, /* the supervisor, once it is confined */
    /* of agents with a device's driver alone (driver.c): */
    RULE_driver_start = 8,   /* a worker while its driver starts and compiles */
    RULE_driver_sealed = 16, /* a worker after its seal */
};

/* (argument & mask) == value; a mask of 0: no condition. */
struct rule_condition {
    unsigned argument;
    uint64_t mask, value;
};

struct rule {
    enum rule_profile profile;
    int number;
    int error; /* 0: allowed; otherwise the call is answered with this errno */
    struct rule_condition conditions[RULE_CONDITIONS_MAX];
#ifdef SANDBOX_RULE_TEXTS
    const char *name, *place, *reason, *unseen; /* unseen: why no test makes the call, or NULL */
#endif
};

#ifdef SANDBOX_RULE_TEXTS
#define SYSTEM_CALL(profile, name, error, place, reason, unseen, ...)                                                  \
    {RULE_##profile, __NR_##name, error, {__VA_ARGS__}, #name, place, reason, unseen},
#else
#define SYSTEM_CALL(profile, name, error, place, reason, unseen, ...)                                                  \
    {RULE_##profile, __NR_##name, error, {__VA_ARGS__}},
#endif

static const struct rule rules[] = {
#include "guest/sandbox/system_calls.h"
};

#define RULE_COUNT (sizeof rules / sizeof rules[0])

#endif
