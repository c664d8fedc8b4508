/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's end of vsock: one connection, from the host and from nobody else. */
#ifndef LAZARET_GUEST_AGENT_LISTENER_H
#define LAZARET_GUEST_AGENT_LISTENER_H

#include "base/error.h"

#include <stdint.h>

#define LISTENER_PORT        1024u
#define LISTENER_BUFFER_SIZE (UINT64_C(1) << 20) /* receive credit: doubles what the default lets through */

/* Waits for the host (CID 2), closes connections of any other, stops listening. Returns through ret_fd. */
MUST_USE int listener_accept_host(int *ret_fd, struct error *err);

#endif
