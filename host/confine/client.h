/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The confinement of a helper that talks to the network, through libraries.
 *
 * Resolving names and opening TLS connections takes threads, sockets and configuration files, so it keeps those: it may
 * read what lies in the places named in client.c (by Landlock, where the kernel has it), and nothing else. It gives up
 * its identity where root, capabilities, programs, traces, mounts, the kernel's interfaces, and every change of files.
 */
#ifndef LAZARET_HOST_CONFINE_CLIENT_H
#define LAZARET_HOST_CONFINE_CLIENT_H

#include "host/confine/confine.h"

/* Keeps `socket` and standard error. ERROR_INTERNAL where a step fails; none is skipped but Landlock on older kernels.
 */
MUST_USE int confine_client(const char *name, enum confine_uid uid, int socket, struct error *err);

#endif
