/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The confinement of libvirt's controller, in two steps. libvirt needs who knows what, so there is no allowlist: it
 * gives up what it does not need to start QEMU, and once QEMU runs, to run anything.
 */
#ifndef LAZARET_HOST_CONFINE_LIBVIRT_H
#define LAZARET_HOST_CONFINE_LIBVIRT_H

#include "base/error.h"

/*
 * Before libvirt is loaded; QEMU inherits it all. no_new_privs, and a seccomp filter that kills at what
 * confine_forbid_kernel() names: other processes' memory, mounts, modules, the kernel's interfaces, keys.
 * ERROR_INTERNAL.
 */
MUST_USE int confine_libvirt(struct error *err);

/*
 * Once QEMU runs, for every thread of the controller: starting a program is answered with EPERM, so that a hook or a
 * helper of libvirt's fails and not libvirt. ERROR_INTERNAL.
 */
MUST_USE int confine_libvirt_started(struct error *err);

#endif
