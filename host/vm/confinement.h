/* SPDX-License-Identifier: Apache-2.0 */
/* What supervisor and controller give up, each once it has what it needs. */
#ifndef LAZARET_HOST_VM_CONFINEMENT_H
#define LAZARET_HOST_VM_CONFINEMENT_H

#include "host/vm/controller.h"
#include "host/vm/supervisor.h"

/*
 * The supervisor, once its children run: descriptors of files that were shown to them, core files, growing files,
 * privileges to come, and every system call but those that watch, reap and kill. ERROR_INTERNAL.
 */
MUST_USE int confinement_of_supervisor(const struct supervisor_options *options, struct error *err);

/*
 * The controller, before libvirt is loaded: descriptors that are the supervisor's, core files, files larger than
 * options->file_size_max, and what host/confine/libvirt.h says. QEMU inherits the last three. ERROR_INTERNAL.
 */
MUST_USE int confinement_of_controller(const struct controller_options *options, int event_fd, struct error *err);

/* The largest file that QEMU writes, in bytes: the guest's memory, or its scratch disk. */
uint64_t confinement_largest_file(const struct supervisor_options *options);

#endif
