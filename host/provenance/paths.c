/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of manifests: what is clean, and their order. */
#include "host/provenance/paths.h"

#include <string.h>

static bool component_is_clean(const char *component, size_t size)
{
    return size > 0 && size <= PATH_COMPONENT_MAX && !(size == 1 && component[0] == '.') &&
           !(size == 2 && component[0] == '.' && component[1] == '.');
}

bool path_is_clean(const char *path, size_t size)
{
    size_t start = 0;
    unsigned depth = 0;

    if (size == 0 || size > PATH_SIZE_MAX || memchr(path, '\0', size) != NULL)
        return false;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && path[i] != '/')
            continue;
        if (++depth > PATH_DEPTH_MAX || !component_is_clean(path + start, i - start))
            return false;
        start = i + 1;
    }
    return true;
}

/* The end of a path before a separator, and that before all else. */
static unsigned rank_at(const char *path, size_t size, size_t i)
{
    if (i == size)
        return 0;
    return path[i] == '/' ? 1 : (unsigned char)path[i] + 2u;
}

int path_compare(const char *left, size_t left_size, const char *right, size_t right_size)
{
    for (size_t i = 0;; i++) {
        unsigned mine = rank_at(left, left_size, i), other = rank_at(right, right_size, i);

        if (mine != other)
            return mine < other ? -1 : 1;
        if (mine == 0)
            return 0;
    }
}

bool path_is_under(const char *path, size_t size, const char *folder, size_t folder_size)
{
    return size >= folder_size && memcmp(path, folder, folder_size) == 0 &&
           (size == folder_size || path[folder_size] == '/');
}
