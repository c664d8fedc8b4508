/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a waiting collector is told once there is a guest: the connection, and what the session is about.
 *
 * Monitor and collector are the same program, so it goes as it lies in memory: a byte that carries the connection's
 * descriptor (SCM_RIGHTS), then struct handover, whose plan is plain data of fixed size.
 */
#ifndef LAZARET_HOST_COLLECT_HANDOVER_H
#define LAZARET_HOST_COLLECT_HANDOVER_H

#include "base/error.h"
#include "wire/plan.h"

struct handover {
    uint8_t nonce[SHA256_SIZE];
    bool has_plan; /* false: a session that scans files */
    struct plan plan;
};

/* 0 or a negative errno. */
MUST_USE int handover_send(int socket, int connection, const struct handover *handover, uint64_t deadline_ns);

/* Waits as long as it takes. -ECONNRESET where the monitor goes first, -EBADMSG for anything else than the above. */
MUST_USE int handover_receive(int socket, struct handover *ret_handover, int *ret_connection);

#endif
