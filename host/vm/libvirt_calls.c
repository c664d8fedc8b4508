/* SPDX-License-Identifier: Apache-2.0 */
/* Loading libvirt. */
#include "host/vm/libvirt_calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define LIBRARY "libvirt.so.0"

int libvirt_calls_load(struct libvirt_calls *ret_calls, struct error *err)
{
    void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL), *call;
    struct libvirt_calls calls;

    if (library == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOENT, "%s; apt-get install libvirt0", dlerror());
#define LOAD(name)                                                                                                     \
    call = dlsym(library, #name);                                                                                      \
    if (call == NULL)                                                                                                  \
        return error_set(err, ERROR_UNAVAILABLE, -ENOSYS, "%s has no %s", LIBRARY, #name);                             \
    memcpy(&calls.name, &call, sizeof call); /* POSIX: a function's address as an object's */
    LIBVIRT_CALLS(LOAD)
#undef LOAD
    *ret_calls = calls;
    return 0;
}
