/* SPDX-License-Identifier: Apache-2.0 */
/* Loading libguestfs. */
#include "host/forensics/guestfs_calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define LIBRARY "libguestfs.so.0"

int guestfs_calls_load(struct guestfs_calls *ret_calls, struct error *err)
{
    void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL), *call;
    struct guestfs_calls calls;

    if (library == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOENT, "%s; run scripts/install-packages forensics", dlerror());
#define LOAD(result, name, parameters)                                                                                 \
    call = dlsym(library, "guestfs_" #name);                                                                           \
    if (call == NULL)                                                                                                  \
        return error_set(err, ERROR_UNAVAILABLE, -ENOSYS, "%s has no guestfs_%s", LIBRARY, #name);                     \
    memcpy(&calls.name, &call, sizeof call); /* POSIX: a function's address as an object's */
    GUESTFS_CALLS(LOAD)
#undef LOAD
    *ret_calls = calls;
    return 0;
}
