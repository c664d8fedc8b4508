/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the confinement, each in a file of its own. */
#ifndef LAZARET_GUEST_SANDBOX_INTERNAL_H
#define LAZARET_GUEST_SANDBOX_INTERNAL_H

#include "guest/sandbox/sandbox.h"

/* Handlers that write the report (NULL: none) and end the process. */
MUST_USE int trap_install(struct sandbox_report *report);

/* Loads the seccomp filter into every thread. */
MUST_USE int filter_install(void);

/* No access to any file, port or socket by name. -ENOSYS, -EOPNOTSUPP where the kernel has no Landlock. */
MUST_USE int landlock_forbid_all(void);

#endif
