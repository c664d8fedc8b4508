/* SPDX-License-Identifier: Apache-2.0 */
/* The last word of an agent that could not begin: so that the host learns why, and not only that its guest is gone. */
#ifndef LAZARET_GUEST_AGENT_PARTING_H
#define LAZARET_GUEST_AGENT_PARTING_H

#include "base/error.h"

/*
 * Accepts the host and sends it one FAILURE with the cause, then waits for it to close, SUPERVISOR_PARTING_MS at most.
 * Nothing to do where there is no vsock yet.
 */
void parting_tell(const struct error *cause);

#endif
