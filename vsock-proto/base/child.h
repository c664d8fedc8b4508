/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a child process: waited for, or brought about. */
#ifndef LAZARET_BASE_CHILD_H
#define LAZARET_BASE_CHILD_H

#include "base/cleanup.h"

#include <stdint.h>
#include <sys/types.h>

/*
 * Waits for the child's end until the deadline (of base/io.h), by the clock. 0, with its status as wait(2) tells it
 * unless `ret_status` is NULL; -ETIMEDOUT, and it still runs; -ECHILD, and it is no child of this process.
 */
MUST_USE int child_wait(pid_t pid, int *ret_status, uint64_t deadline_ns);

/* Ends the child by SIGKILL, and waits until it is gone. No process's number (0, -1) does nothing. */
void child_kill(pid_t pid);

#endif
