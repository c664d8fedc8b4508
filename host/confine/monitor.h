/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the monitor gives up once its helpers run and its VMs are prepared, before the first one boots.
 *
 * The monitor parses no foreign bytes, but it stays privileged to the end: it proves the VM's destruction and writes
 * the result. So it keeps its identity and gives up what a taken-over process would want: running programs, tracing and
 * reading other processes, mounts, modules, kernel interfaces, every socket that is not UNIX or vsock, and all but four
 * of root's capabilities.
 *
 * It keeps the machine's namespaces, as the proof of destruction looks at every process of the machine, and the output
 * has to appear where the user wants it. For the same reason there is no Landlock: a process under it may not look at
 * processes outside, and the proof would see nothing and find all well.
 */
#ifndef LAZARET_HOST_CONFINE_MONITOR_H
#define LAZARET_HOST_CONFINE_MONITOR_H

#include "base/error.h"

/*
 * No core, no_new_privs, not dumpable, and a seccomp filter that kills the process at any call named in monitor.c. For
 * every thread; children inherit it.
 */
MUST_USE int confine_monitor(struct error *err);

#endif
