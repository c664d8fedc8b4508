/* SPDX-License-Identifier: Apache-2.0 */
/* What names in a model say: paths that lead out of its folder, operators that are called after what they reach for. */
#ifndef LAZARET_GUEST_SCAN_NAMES_H
#define LAZARET_GUEST_SCAN_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Why a path is not one of a file in the model's own folder or below: "an absolute path", "a parent folder", "a URL",
 * "a drive", "a backslash", "a NUL", "a home folder"; NULL for a plain one. Windows' paths count on every system.
 */
const char *names_path_leaves(const void *path, size_t size);

/* Whether a name's last bytes are `end`. */
bool names_end_with(const void *name, size_t size, const char *end);

/* Whether a text begins with "scheme:/". */
bool names_is_url(const void *text, size_t size);

/*
 * The word in an operator's name that says that it runs code, or reaches files or a network: "exec", "shell", "http".
 * Words are split at capitals and punctuation. NULL for none. Only for operators that are not known by name.
 */
const char *names_operator_reaches(const void *name, size_t size);

#endif
