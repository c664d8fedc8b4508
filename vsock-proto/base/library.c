/* SPDX-License-Identifier: Apache-2.0 */
/* Loading shared libraries. */
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_SIZE 128u

static void *find(void *handle, const struct library *library, const char *name)
{
    char full[NAME_MAX_SIZE];

    return snprintf(full, sizeof full, "%s%s", library->prefix, name) < (int)sizeof full ? dlsym(handle, full) : NULL;
}

int library_load(const struct library *library, const struct library_function *functions, size_t count, void *ret_table,
                 struct error *err)
{
    void *handle = dlopen(library->file, (library->whole ? RTLD_NOW : RTLD_LAZY) | RTLD_LOCAL), *symbol;

    if (handle == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOENT, "%s; %s", dlerror(), library->remedy);
    for (size_t i = 0; i < count; i++)
        if (find(handle, library, functions[i].name) == NULL)
            return error_set(err, ERROR_UNAVAILABLE, -ENOSYS, "%s has no %s%s; %s", library->file, library->prefix,
                             functions[i].name, library->remedy);
    for (size_t i = 0; i < count; i++) {
        symbol = find(handle, library, functions[i].name);
        memcpy((char *)ret_table + functions[i].offset, &symbol, sizeof symbol); /* POSIX: a function's address as an
                                                                                    object's */
    }
    return 0;
}
