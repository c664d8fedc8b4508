/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the confinement, each in a file of its own. */
#ifndef LAZARET_GUEST_SANDBOX_INTERNAL_H
#define LAZARET_GUEST_SANDBOX_INTERNAL_H

#include "guest/sandbox/sandbox.h"

#include <seccomp.h>

/* --- trap.c ------------------------------------------------------------------------------------------- */

/* Handlers that write the report (NULL: none) and end the process, on a stack of their own. */
MUST_USE int trap_install(struct sandbox_report *report);

/* Handlers that say on standard error what the supervisor did, and end it. */
MUST_USE int trap_install_supervisor(void);

/* --- filter.c ----------------------------------------------------------------------------------------- */

/* Loads the seccomp filter of the profiles (enum rule_profile) into every thread; scratch_fd: -1 for none. */
MUST_USE int filter_install(unsigned profiles, int scratch_fd);

/* --- landlock.c --------------------------------------------------------------------------------------- */

/*
 * No access to any file, port or socket by name, but to make and write files below `folder_fd` (-1: nowhere).
 * -EOPNOTSUPP where the kernel has no Landlock.
 */
MUST_USE int landlock_forbid_all(int folder_fd);

/* What is granted below a folder that is there: LANDLOCK_ACCESS_FS_* and bits of later ABIs. */
struct landlock_folder {
    const char *path;
    uint64_t rights;
};
MUST_USE int landlock_forbid_but(int folder_fd, const struct landlock_folder *folders, size_t count);

/* --- driver.c: nothing without RULE_driver_start or RULE_driver_sealed ---------------------------------- */

bool driver_covers(int number, unsigned profiles);
MUST_USE int driver_add_rules(scmp_filter_ctx filter, unsigned profiles);
MUST_USE int driver_landlock(int scratch_fd);

/* --- privileges.c ------------------------------------------------------------------------------------- */

/* While it may: nothing can ever be regained, not even by a setuid program. 0 too where it may not. */
MUST_USE int privileges_empty_bounding_set(void);

/* Leaves the capabilities of a mask of CAP_* bits, of those that it has, and no ambient or inheritable ones. */
MUST_USE int privileges_keep(uint64_t capabilities);

/* Whether this process has the capability. */
bool privileges_has(int capability);

#endif
