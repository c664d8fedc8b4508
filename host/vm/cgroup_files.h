/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a control group. */
#ifndef LAZARET_HOST_VM_CGROUP_FILES_H
#define LAZARET_HOST_VM_CGROUP_FILES_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_FILE_MAX 4096u

/* Write one value; 0 or a negative errno. */
MUST_USE int cgroup_write(int group_fd, const char *file, const char *text);
MUST_USE int cgroup_write_number(int group_fd, const char *file, uint64_t value);

/* A whole small file, NUL-terminated; false where it can't be read. */
bool cgroup_read(int group_fd, const char *file, char ret_text[CGROUP_FILE_MAX]);

/* A file of one number, or of lines "key number"; 0 where there is none. */
uint64_t cgroup_read_number(int group_fd, const char *file, const char *key);

/* Whether a line of words has this one. */
bool cgroup_has_word(const char *words, const char *word);

/* Every process that descends from `ancestor`; calls `found` for each until it answers other than 0. */
MUST_USE int cgroup_each_descendant(pid_t ancestor, int (*found)(void *context, pid_t pid), void *context);

#endif
