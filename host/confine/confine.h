/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confinement of the host's helper processes: collector, data reader, signer, the ledger's appender, vsock device,
 * reader of model signatures.
 *
 * Each is forked (place.h), closes what it does not need, goes to a place with no files and no network, gives up its
 * identity and its privileges, and from then on may make only the system calls that its profile names, each with its
 * reason beside it.
 */
#ifndef LAZARET_HOST_CONFINE_H
#define LAZARET_HOST_CONFINE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Identities of the helpers where the controller is root; as another user they keep its own. */
enum confine_uid {
    CONFINE_UID_SIGNER = 64701,
    CONFINE_UID_COLLECTOR = 64702,
    CONFINE_UID_DATA_READER = 64703,
    CONFINE_UID_VSOCK_DEVICE = 64704,
    CONFINE_UID_PROVENANCE = 64705,
    CONFINE_UID_TIMESTAMPS = 64706, /* the reader */
    CONFINE_UID_CLIENT = 64707,     /* the network */
    CONFINE_UID_DISK_READER = 64708,
};

struct confine_profile {
    const char *name;     /* shown by ps(1) and in messages, at most 15 bytes */
    enum confine_uid uid; /* also the group */
    /*
     * The one folder that the process may still name files in, which it keeps open; NULL where it opens none. From root
     * it takes its owner's identity, in place of `uid`, and the folder as its root directory. Landlock, where the
     * kernel has it, keeps another user's process there as well.
     */
    const int *folder_fd;
    const int *keep_fds; /* descriptors that stay open, besides standard error */
    size_t keep_fd_count;
    const int *system_calls; /* SCMP_SYS(...) numbers beside the base set */
    size_t system_call_count;
    uint64_t address_space_max; /* RLIMIT_AS in bytes; 0 leaves it as it is */
    uint64_t open_files_max;    /* RLIMIT_NOFILE; 0 leaves it as it is */
    uint64_t file_size_max;     /* RLIMIT_FSIZE in bytes: what a file that it writes may grow to; 0: none is written */
};

/*
 * The base set: read, write, readv, writev, sendto, close, poll, ppoll, brk, mmap (not executable), munmap,
 * mremap, madvise, futex, clock_gettime, clock_nanosleep, getrandom, rt_sigreturn, rt_sigprocmask,
 * restart_syscall, getpid, gettid, tgkill (abort), exit, exit_group. Anything else kills the
 * process.
 *
 * Steps, in order: close descriptors; where root, network, IPC and host name namespaces without anything in them, and
 * an empty root directory in a mount namespace of its own, or with a folder, that folder as the root directory; rlimits
 * (no core, no process, no growing file, and the profile's); supplementary groups, gid, uid; no capabilities;
 * PDEATHSIG=SIGKILL, not dumpable; no_new_privs; Landlock; seccomp. A failing step is an error, never skipped, but for
 * Landlock on a kernel without it.
 */
MUST_USE int confine_self(const struct confine_profile *profile, struct error *err);

/*
 * For a process that keeps its privileges for its work: from now on it makes only the system calls of the base set and
 * those given. Sets no_new_privs. ERROR_INTERNAL.
 */
MUST_USE int confine_system_calls(const char *name, const int *calls, size_t count, struct error *err);

/* Closes every descriptor but the kept ones and standard error. 0, or -1 with errno. */
MUST_USE int confine_close_others(const int *keep_fds, size_t count);

/* One of setrlimit(2)'s resources, for good: `value`, or what there is where that is less. 0, or -1 with errno. */
MUST_USE int confine_limit(int resource, uint64_t value);

#endif
