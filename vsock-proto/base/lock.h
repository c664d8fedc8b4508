/* SPDX-License-Identifier: Apache-2.0 */
/* Locks on files that end with their holder (flock(2)), waited for with an end. */
#ifndef LAZARET_BASE_LOCK_H
#define LAZARET_BASE_LOCK_H

#include "base/cleanup.h"

#include <stdint.h>

/*
 * How long to wait where nobody should hold the lock but by chance. A lock belongs to the open file: a process forked
 * under it has a share until it has closed the descriptor or become another program, and outlives a killed parent by
 * such moments. One who looks whether a holder lives takes the lock for moments, too.
 */
#define LOCK_WAIT_MOMENTS_MS UINT64_C(2000)

/*
 * Takes the exclusive lock on an open file, waiting so many milliseconds for its holder (0: not at all). The lock ends
 * when the last descriptor of this open file is closed. -EWOULDBLOCK: still held; -errno.
 */
MUST_USE int lock_take(int fd, uint64_t wait_ms);

#endif
