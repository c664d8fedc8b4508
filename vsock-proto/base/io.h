/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors with deadlines: whole reads and writes, and the monotonic clock they wait by.
 *
 * A deadline is an absolute time of CLOCK_MONOTONIC in nanoseconds; IO_NO_DEADLINE waits for ever.
 * The descriptors are made non-blocking by their owner (io_set_nonblocking), so that a peer which
 * stops can't hold a call beyond its deadline; blocking descriptors work too, but a write of more
 * than the peer takes may then overstay.
 */
#ifndef LAZARET_BASE_IO_H
#define LAZARET_BASE_IO_H

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IO_NO_DEADLINE UINT64_MAX
#define IO_NS_PER_MS   UINT64_C(1000000)
#define IO_NS_PER_S    UINT64_C(1000000000)

/* CLOCK_MONOTONIC now, in nanoseconds. */
uint64_t io_now_ns(void);

/* The deadline `milliseconds` from now. */
uint64_t io_deadline_ms(uint64_t milliseconds);

/* Milliseconds left for poll(2): 0 when past, -1 for IO_NO_DEADLINE. */
int io_poll_timeout(uint64_t deadline_ns);

MUST_USE int io_set_nonblocking(int fd);

/* Waits for poll(2) `events` on fd. 0, -ETIMEDOUT, or another negative errno. */
MUST_USE int io_wait(int fd, short events, uint64_t deadline_ns);

/* Reads exactly `size` bytes. -ECONNRESET when the peer ended first, -ETIMEDOUT, -errno. */
MUST_USE int io_read_full(int fd, void *ret_data, size_t size, uint64_t deadline_ns);

/* Writes exactly `size` bytes. -EPIPE when the peer is gone, -ETIMEDOUT, -errno. */
MUST_USE int io_write_full(int fd, const void *data, size_t size, uint64_t deadline_ns);

/* Reads at most `size` bytes at a file's offset until its end; returns the count or -errno. */
MUST_USE ssize_t io_pread_full(int fd, void *ret_data, size_t size, uint64_t offset);

#endif
