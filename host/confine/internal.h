/* SPDX-License-Identifier: Apache-2.0 */
/* What the confinements share. */
#ifndef LAZARET_HOST_CONFINE_INTERNAL_H
#define LAZARET_HOST_CONFINE_INTERNAL_H

#include "base/error.h"

#include <seccomp.h>
#include <stddef.h>

/* Closes every descriptor but the kept ones and standard error. 0, or -1 with errno. */
MUST_USE int confine_close_others(const int *keep_fds, size_t count);

/* Gives up every capability. 0, or -1 with errno. */
MUST_USE int confine_drop_capabilities(void);

/* From root to this user and group, for good; another user keeps its identity. 0, or -1 with errno. */
MUST_USE int confine_change_identity(unsigned uid, unsigned gid);

/*
 * For processes whose libraries (a token's module, a resolver) need who knows what: gives up core files, capabilities
 * and what confine_forbid_dangerous() names, and opens files for reading only; creating, changing and removing them is
 * answered with EACCES. Dies with its parent. ERROR_INTERNAL.
 */
MUST_USE int confine_without_changes(const char *name, struct error *err);

/* Forbids, on pain of death, what no process of ours needs once it works: programs, traces, mounts, the kernel itself.
 */
MUST_USE int confine_forbid_dangerous(scmp_filter_ctx filter);

/*
 * From now on the process uses files in this folder only, by Landlock; needs no_new_privs. A kernel without it, or of
 * an ABI below 2, leaves the process with what its user may.
 */
MUST_USE int confine_to_folder(int folder);

#endif
