/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a scratch disk is read: namespaces, a view of the file system, an identity, and the environment by which
 * libguestfs and supermin find a kernel, a cache and an accelerator.
 */
#ifndef LAZARET_HOST_FORENSICS_READER_PLACE_H
#define LAZARET_HOST_FORENSICS_READER_PLACE_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* In the place. */
#define READER_PLACE       "/run/place"
#define READER_PLACE_DISK  READER_PLACE "/disk"
#define READER_PLACE_CACHE READER_PLACE "/cache"
#define READER_PLACE_SUMS  READER_PLACE "/tmp/sums"

struct reader_place {
    char disk[PATH_MAX], recipe[PATH_MAX];
    char packages[PATH_MAX], cache[PATH_MAX]; /* below the state directory */
    bool kvm;                                 /* works here */
};

/* Fills in the paths, makes the cache's folder, and finds out whether KVM works. */
MUST_USE int reader_place_prepare(const char *disk, const char *recipe, struct reader_place *ret_place,
                                  struct error *err);

/* Forks a child that is PID 1 of new PID, mount, network and IPC namespaces; *ret_pid is 0 in it. */
MUST_USE int reader_place_fork(pid_t *ret_pid, struct error *err);

/* In that child: unpacks the appliance's kernel where it has to, builds the view, gives up root, sets the environment.
 */
MUST_USE int reader_place_enter(const struct reader_place *place, struct error *err);

#endif
