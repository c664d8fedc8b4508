/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: the guest's end of the session (PROTOCOL.md), without a look at the model's bytes.
 *
 * It receives the model, and the reference model where there is one, into sealed memory, starts a confined worker for
 * the import and one for each check, passes windows down and messages up, both with back-pressure and in constant
 * memory, and judges every message of a worker by the rules that the host will judge it by. A worker that breaks them,
 * crashes, or calls what it may not ends the session with a FAILURE that says what happened.
 */
#ifndef LAZARET_GUEST_AGENT_SUPERVISOR_H
#define LAZARET_GUEST_AGENT_SUPERVISOR_H

#include "base/error.h"
#include "guest/agent/driver.h"
#include "guest/sandbox/group.h"

#include <stdint.h>

#define SUPERVISOR_PARTING_MS 10000u /* that the host gets to take the last message and close */

/* Memory of the machine that a worker does not get: for the supervisor and the kernel. */
#define SUPERVISOR_RESERVE (UINT64_C(16) << 20)

struct supervisor_options {
    int stream;                        /* to the host; becomes non-blocking, stays the caller's */
    uint64_t memory_bytes;             /* that the evaluation may take at most; 0: what the machine has */
    int scratch;                       /* the scratch disk's folder, where evidence goes; -1: none */
    struct group group;                /* of its workers; group_none where there is none */
    const struct agent_driver *driver; /* NULL: none */
};

/*
 * One session, to its end, in a process that is confined for good (sandbox_guard) before the first byte of the host's
 * is read: afterwards it may only write to standard error, close what it has, end itself or the VM. 0 after GOODBYE;
 * otherwise the reason, which the host was told as well where it could be. SIGPIPE must be ignored.
 */
MUST_USE int supervisor_run(const struct supervisor_options *options, struct error *err);

#endif
