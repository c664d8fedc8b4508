/* SPDX-License-Identifier: Apache-2.0 */
/* What the VM tests share: a state directory of their own, an image of the echo agent, kill -9. */
#ifndef LAZARET_TESTS_VM_BOOT_HELPERS_H
#define LAZARET_TESTS_VM_BOOT_HELPERS_H

#include "host/vm/image.h"
#include "host/vm/proof.h"
#include "host/vm/vm.h"

#include <limits.h>
#include <stdbool.h>

/* The path of a file that the build put beside this program. */
void helper_path(const char *name, char ret_path[PATH_MAX]);

/* Sets LAZARET_STATE to a folder beside this program that outlives it (caches). */
void helper_use_state(void);

/* The test image, made if need be; NULL, with the reason printed, where it can't be made. */
struct image *helper_open_image(void);

/* A well-formed image whose kernel is no kernel; NULL where it can't be made. */
struct image *helper_open_broken_image(void);

/* The same with a disk for Intel's GPUs, as empty of sense. */
struct image *helper_open_disk_image(void);

/*
 * Runs `monitor` in a child, waits until its supervisor exists, then delay_ms more, and kills the
 * child with SIGKILL. Returns how many milliseconds later nothing was left, or -1 after two seconds.
 */
int helper_kill_monitor(void (*monitor)(const void *context), const void *context, int delay_ms);

/* Kills, by SIGKILL, the process named `name` among the children of this process's supervisor. */
bool helper_kill_inside(const char *name);
bool helper_kill_supervisor(void);

#endif
