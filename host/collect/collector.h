/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector: the confined process that decodes what the guest sends.
 *
 * It waits, confined, from before the guest boots, and then holds the connection and a socket to the monitor, and
 * nothing else. Each frame is decoded, judged by the session's state machine, and passed on as a record; the first
 * violation ends it with a reason.
 */
#ifndef LAZARET_HOST_COLLECT_COLLECTOR_H
#define LAZARET_HOST_COLLECT_COLLECTOR_H

#include "base/error.h"
#include "wire/session.h"

struct collector;

/*
 * Forks the collector, and returns once it has confined itself and waits for a guest: before the monitor is confined,
 * which then can't make namespaces any more, and while it has one thread. ERROR_INTERNAL: it could not be confined.
 */
MUST_USE int collector_prepare(struct collector **ret_collector, struct error *err);

/*
 * Hands it the connection, once, which stays the caller's too (for writing), and what it is to judge by; `plan` is NULL
 * for a session that scans files.
 */
MUST_USE int collector_start(struct collector *collector, int connection, const struct plan *plan,
                             const uint8_t nonce[SHA256_SIZE], struct error *err);

/* Tells the collector what the host is about to tell the guest; call it before the frame is written. */
MUST_USE int collector_begin_check(struct collector *collector, uint32_t check, struct error *err);
MUST_USE int collector_begin_scan(struct collector *collector, uint32_t index, uint64_t size, struct error *err);
MUST_USE int collector_import(struct collector *collector, struct error *err);
MUST_USE int collector_part(struct collector *collector, struct error *err);

/*
 * The guest's next message. Texts and blobs are valid until the next call. ERROR_GUEST when the guest broke the
 * protocol, left, or kept silent beyond the deadline; or when the collector itself died reading it (with its signal:
 * that too is evidence).
 */
MUST_USE int collector_next(struct collector *collector, uint64_t deadline_ns, struct message *ret_message,
                            struct error *err);

/* Waits until collector_next has something to read: 0 or -ETIMEDOUT. */
MUST_USE int collector_wait(struct collector *collector, uint64_t deadline_ns);

/* Kills and reaps the process; NULL is fine. */
void collector_free(struct collector *collector);

static inline void collector_free_pointer(struct collector **collector)
{
    collector_free(*collector);
}
#define CLEANUP_COLLECTOR CLEANUP(collector_free_pointer)

#endif
