/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory: images, caches, and the identities that jobs hold. */
#ifndef LAZARET_HOST_VM_STATE_H
#define LAZARET_HOST_VM_STATE_H

#include "base/error.h"

#include <limits.h>
#include <sys/types.h>

#define STATE_VARIABLE "LAZARET_STATE"
#define STATE_DEFAULT  "/var/lib/lazaret"

/* Each job holds 65536 identities of its own, from here up; clear of users and of containers. */
#define STATE_JOB_ID_BASE  0x70000000u
#define STATE_JOB_ID_RANGE 65536u
#define STATE_JOB_MAX      1024u

/* $LAZARET_STATE, or /var/lib/lazaret. Never fails. */
const char *state_path(void);

/* Opens the directory (O_DIRECTORY), making it (0755) where it is not there. */
MUST_USE int state_open(int *ret_fd, struct error *err);

/* Opens a directory of slash-separated `name` below `state_fd`, making what is missing (0755). */
MUST_USE int state_open_folder(int state_fd, const char *name, int *ret_fd, struct error *err);

/*
 * Claims a job's identities: the first of a free range. They are held by the open file description
 * behind *ret_fd, so by every process that inherits it, and are free again when the last is gone.
 */
MUST_USE int state_claim_job_ids(int state_fd, uid_t *ret_first, int *ret_fd, struct error *err);

#endif
