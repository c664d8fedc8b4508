/* SPDX-License-Identifier: Apache-2.0 */
/* Loading libvirt. */
#include "host/vm/libvirt_calls.h"

#include "base/library.h"

int libvirt_calls_load(struct libvirt_calls *ret_calls, struct error *err)
{
    static const struct library library = {.file = "libvirt.so.0", .prefix = "", .remedy = "apt-get install libvirt0"};
#define ENTRY(name) {#name, offsetof(struct libvirt_calls, name)},
    static const struct library_function functions[] = {LIBVIRT_CALLS(ENTRY)};
#undef ENTRY

    return library_load(&library, functions, sizeof functions / sizeof functions[0], ret_calls, err);
}
