/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a path leaves its folder, by its text alone. */
#include "guest/scan/path_text.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

static bool is_absolute(const char *name)
{
    return is_slash(name[0]) || (isalpha((uint8_t)name[0]) && name[1] == ':');
}

/* Folders deep after the parts of a path, from `depth` on; negative once it has left. */
static long walk(const char *name, long depth, bool is_folder)
{
    while (*name != '\0' && depth >= 0) {
        size_t size = strcspn(name, "/\\");
        bool last = name[size] == '\0';

        if (size == 2 && name[0] == '.' && name[1] == '.')
            depth--;
        else if (size > 0 && !(size == 1 && name[0] == '.') && (!last || is_folder))
            depth++;
        name += size + (last ? 0 : 1);
    }
    return depth;
}

bool path_text_escapes(const char *name)
{
    return is_absolute(name) || walk(name, 0, true) < 0;
}

bool path_text_escapes_from(const char *link, const char *target)
{
    return is_absolute(target) || walk(target, walk(link, 0, false), true) < 0;
}
