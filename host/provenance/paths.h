/* SPDX-License-Identifier: Apache-2.0 */
/* Paths inside a model's folder, as manifests name files: relative, of clean components, with '/' between them. */
#ifndef LAZARET_HOST_PROVENANCE_PATHS_H
#define LAZARET_HOST_PROVENANCE_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#define PATH_SIZE_MAX      4095u /* bytes, without a NUL */
#define PATH_COMPONENT_MAX 255u
#define PATH_DEPTH_MAX     64u /* components */

/* No absolute path, no empty component, no "." or "..", within the limits above, no NUL byte. */
bool path_is_clean(const char *path, size_t size);

/*
 * The order of a manifest: component by component, each by its bytes, a shorter path before those below it. So "a/b"
 * comes before "a-b", which strcmp() has the other way round. Negative, 0, positive.
 */
int path_compare(const char *left, size_t left_size, const char *right, size_t right_size);

/* Whether `path` is `folder` or lies below it. */
bool path_is_under(const char *path, size_t size, const char *folder, size_t folder_size);

#endif
