/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's input pipe: the only way in which data reaches a worker. Between two processes of one
 * program, so in its own byte order.
 *
 * A window is a header, the transfer's bytes as they came (count × elements f32, then count u32 where
 * the set is labelled), and a byte WINDOW_COMMIT once the transfer's digest was found right: nothing
 * is computed from bytes that did not arrive as they left.
 */
#ifndef LAZARET_GUEST_AGENT_WINDOW_PIPE_H
#define LAZARET_GUEST_AGENT_WINDOW_PIPE_H

#include "base/buffer.h"
#include "guest/checks/check.h"

#define WINDOW_COMMIT    0xc5u
#define WINDOW_PIPE_SIZE (1 << 20) /* of the kernel's buffer: a few chunks */

struct window_header {
    uint32_t set; /* enum plan_set_id */
    uint32_t count;
    uint64_t first;
};

/* --- the supervisor's side ----------------------------------------------------------------------- */

MUST_USE int window_put_header(struct buffer *buffer, const struct message_transfer *transfer);
MUST_USE int window_put_commit(struct buffer *buffer);

/* --- the worker's side: blocking reads, no other system call --------------------------------------- */

/* All of `size` bytes. -ECONNRESET where the supervisor closed its end before, -errno. */
MUST_USE int window_pipe_read(int fd, void *ret_data, size_t size);

struct window_reader {
    int fd;
    const struct plan *plan;
    float *x;         /* room for the largest window */
    uint32_t *labels; /* room for the largest labelled one, or NULL */
};

/* Room for the windows of the sets that a check reads. -ENOMEM names the size. */
MUST_USE int window_reader_open(struct window_reader *reader, int fd, const struct plan *plan, enum plan_check_id check,
                                struct error *err);
void window_reader_close(struct window_reader *reader);

/* The window of `set` that starts at `first`; it points into the reader's room. */
MUST_USE int window_read(struct window_reader *reader, enum plan_set_id set, uint64_t first,
                         struct check_window *ret_window, struct error *err);

/* Bytes of the room that a check's windows take. */
uint64_t window_room(const struct plan *plan, enum plan_check_id check);

#endif
