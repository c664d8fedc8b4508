/* SPDX-License-Identifier: Apache-2.0 */
/* What the confinements share. */
#ifndef LAZARET_HOST_CONFINE_INTERNAL_H
#define LAZARET_HOST_CONFINE_INTERNAL_H

#include "base/cleanup.h"

#include <seccomp.h>
#include <stddef.h>

/* Closes every descriptor but the kept ones and standard error. 0, or -1 with errno. */
MUST_USE int confine_close_others(const int *keep_fds, size_t count);

/* Gives up every capability. 0, or -1 with errno. */
MUST_USE int confine_drop_capabilities(void);

/* Forbids, on pain of death, what no process of ours needs once it works: programs, traces, mounts, the kernel itself.
 */
MUST_USE int confine_forbid_dangerous(scmp_filter_ctx filter);

#endif
