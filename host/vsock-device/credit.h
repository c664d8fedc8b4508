/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of credit (VIRTIO 1.2, section 5.10.6.3), alone, so that it can be proven: every function is of counters and
 * limits only. Counters run modulo the width of their type, which is 32 bits on the wire; tests/proofs includes this same
 * file with 8, and tries all there is. Any figure may be a hostile peer's.
 */
#ifndef LAZARET_HOST_VSOCK_DEVICE_CREDIT_H
#define LAZARET_HOST_VSOCK_DEVICE_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

#ifndef CREDIT_COUNT
#define CREDIT_COUNT uint32_t
#endif
typedef CREDIT_COUNT credit_count;

/*
 * Bytes that may be sent now:
 *
 *     min(peer_limit, own_limit) - (sent - peer_forwarded), at least 0
 *
 * the difference of the counters modulo their width, the rest in signed 64 bits. A peer_forwarded beyond what was sent is
 * nonsense, reads as almost a full circle in flight, and gives nothing.
 */
static inline credit_count credit_free(credit_count peer_limit, credit_count own_limit, credit_count sent,
                                       credit_count peer_forwarded)
{
    int64_t limit = peer_limit < own_limit ? peer_limit : own_limit;
    int64_t in_flight = (credit_count)(sent - peer_forwarded);

    return limit > in_flight ? (credit_count)(limit - in_flight) : 0;
}

/*
 * Whether a peer must be told how far its bytes went: after a quarter of min(peer_limit, own_limit). A quarter of the own
 * limit alone is a deadlock, for Linux stops itself at its own buffer's size, however large ours is.
 */
static inline bool credit_update_is_due(credit_count peer_limit, credit_count own_limit, credit_count forwarded,
                                        credit_count forwarded_told)
{
    credit_count limit = peer_limit < own_limit ? peer_limit : own_limit;

    return (credit_count)(forwarded - forwarded_told) >= limit / 4;
}

#endif
