/* SPDX-License-Identifier: Apache-2.0 */
/* Where a helper lives: its process identifiers and its file system. */
#ifndef LAZARET_HOST_CONFINE_PLACE_H
#define LAZARET_HOST_CONFINE_PLACE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * fork(2) into a PID namespace of the child's own, where it may be had: it then sees and names no process but itself,
 * and what it might start ends with it. An ordinary fork(2) as another user than root, and for the child of a process
 * that is PID 1 itself (of a container, or a helper): OpenSSL knows a fork by its changed process identifier alone, and
 * would otherwise go on with its parent's random numbers. The child has of its parent's own descriptors those that are
 * lent to it: confine_close_own(). As fork(2): the pid, 0 in the child, or -1 with errno. While the process has one
 * thread.
 */
pid_t confine_fork(const int *lent_fds, size_t count);

/*
 * What the child of a fork(2) does first: closes every descriptor above standard error that an execve(2) would close,
 * which are all that this program opens, but those lent. A lock of the parent's (flock(2)) would else be held by the
 * child as well, and beyond the parent's death, until the child confines itself; and the end of a socket would not be
 * seen. What the program was started with (/dev/fd/63 as a key's path) stays until then.
 */
void confine_close_own(const int *lent_fds, size_t count);

/*
 * After a confine_fork() that failed: an error for `who`, which names the capabilities that root lacks here, as in a
 * container without privileges. A root without them is not taken for one: its helpers would have neither namespaces nor
 * users of their own, and nobody would know. ERROR_UNAVAILABLE.
 */
MUST_USE int confine_fork_failed(const char *who, struct error *err);

#define CONFINE_MISSING_SIZE 128u

/* The names of what root lacks here of the capabilities that helpers' places take; "" where nothing, or not root. */
void confine_missing(char ret_names[CONFINE_MISSING_SIZE]);

/* What the helpers of this process have, for the record. */
struct confine_facts {
    bool own_users, own_namespaces;
    int landlock_abi; /* 0: the kernel has none */
};

void confine_describe(struct confine_facts *ret_facts);

#endif
