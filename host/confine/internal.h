/* SPDX-License-Identifier: Apache-2.0 */
/* What the confinements share. */
#ifndef LAZARET_HOST_CONFINE_INTERNAL_H
#define LAZARET_HOST_CONFINE_INTERNAL_H

#include "base/error.h"

#include <seccomp.h>
#include <stddef.h>

/* Gives up every capability. 0, or -1 with errno. */
MUST_USE int confine_drop_capabilities(void);

/* From root to this user and group, for good; another user keeps its identity. 0, or -1 with errno. */
MUST_USE int confine_change_identity(unsigned uid, unsigned gid);

/*
 * A mount namespace of its own, in which there is an empty file system that nothing can be put in, and nothing else.
 * Needs root. 0, or -1 with errno.
 */
MUST_USE int confine_empty_root(void);

/*
 * From now on the process names no file at all, makes and takes no TCP connection, and reaches no abstract socket or
 * process outside (as far as the kernel's Landlock knows these). Needs no_new_privs; 0, also without Landlock, or a
 * negative errno.
 */
MUST_USE int confine_to_nothing(void);

/*
 * For processes whose libraries (a token's module, a resolver) need who knows what: gives up core files, capabilities
 * and what confine_forbid_dangerous() names, and opens files for reading only; creating, changing and removing them is
 * answered with EACCES. Dies with its parent. ERROR_INTERNAL.
 */
MUST_USE int confine_without_changes(const char *name, struct error *err);

/*
 * What no process of ours needs once it works. The first answers traces, mounts, modules, keys and the kernel's
 * interfaces with `action`; the second kills at these, and at programs.
 */
MUST_USE int confine_forbid_kernel(scmp_filter_ctx filter, uint32_t action);
MUST_USE int confine_forbid_dangerous(scmp_filter_ctx filter);

/*
 * From now on the process uses files in this folder only, by Landlock; needs no_new_privs. A kernel without it, or of
 * an ABI below 2, leaves the process with what its user may.
 */
MUST_USE int confine_to_folder(int folder);

#endif
