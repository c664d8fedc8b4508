/* SPDX-License-Identifier: Apache-2.0 */
/* Process isolation: the guest's agent as a process of its own small world, without a VM. */
#ifndef LAZARET_HOST_VM_AGENT_PROCESS_H
#define LAZARET_HOST_VM_AGENT_PROCESS_H

#include "host/vm/supervisor.h"

/* The descriptor that the agent finds its stream on, and is told of by --stream-fd. */
#define AGENT_STREAM_FD 3

/*
 * Starts the agent (SANDBOX_AGENT_ROOT/init) with options->stream_fd as AGENT_STREAM_FD, output to
 * `output_fd`, the tmpfs as its root, and, where the supervisor is root of the machine, identities
 * of the job's own range as its own root and users.
 */
MUST_USE int agent_process_start(const struct supervisor_options *options, int output_fd, pid_t *ret_pid,
                                 struct error *err);

#endif
