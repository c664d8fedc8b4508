/* SPDX-License-Identifier: Apache-2.0 */
/* Where a helper lives: its process identifiers and its file system. */
#ifndef LAZARET_HOST_CONFINE_PLACE_H
#define LAZARET_HOST_CONFINE_PLACE_H

#include "base/error.h"

#include <sys/types.h>

/*
 * fork(2) into a PID namespace of the child's own, where it may be had: it then sees and names no process but itself,
 * and what it might start ends with it. An ordinary fork(2) as another user than root, and for the child of a process
 * that is PID 1 itself (of a container, or a helper): OpenSSL knows a fork by its changed process identifier alone, and
 * would otherwise go on with its parent's random numbers. As fork(2): the pid, 0 in the child, or -1 with errno. While
 * the process has one thread.
 */
pid_t confine_fork(void);

#endif
