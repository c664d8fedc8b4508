/* SPDX-License-Identifier: Apache-2.0 */
/* The confinement of the janitor, which waits for the monitor's end and removes what it left. */
#ifndef LAZARET_HOST_CONFINE_JANITOR_H
#define LAZARET_HOST_CONFINE_JANITOR_H

#include "base/error.h"

/*
 * The process keeps its identity (it removes what the monitor made, wherever that is) and of root's capabilities the
 * two over other users' files. It has the base set of system calls (confine.h) and those that list and remove; no
 * network; and where the kernel has Landlock, it lists and removes below the folders of `paths` alone (NULL: none). It
 * keeps `descriptor` and nothing else. ERROR_INTERNAL where a step fails; none is skipped but Landlock on older
 * kernels.
 */
MUST_USE int confine_janitor(int descriptor, const char *const *paths, size_t count, struct error *err);

#endif
