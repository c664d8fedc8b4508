/* SPDX-License-Identifier: Apache-2.0 */
/* The device nodes of a GPU, once its driver is loaded. */
#ifndef LAZARET_GUEST_INIT_GPU_NODES_H
#define LAZARET_GUEST_INIT_GPU_NODES_H

#include "base/error.h"

#include <stdbool.h>

/* Whether sysfs lists a display controller or a processing accelerator on the PCI bus. */
bool gpu_is_there(void);

/*
 * Makes the nodes that NVIDIA's driver does not make by itself (where it is loaded), and lets any user of this guest,
 * which is its one worker, open those that compute: /dev/dri/renderD*, /dev/kfd, /dev/nvidia*. Nothing to do without.
 */
MUST_USE int gpu_open_nodes(struct error *err);

#endif
