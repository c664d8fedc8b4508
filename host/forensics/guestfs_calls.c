/* SPDX-License-Identifier: Apache-2.0 */
/* Loading libguestfs. */
#include "host/forensics/guestfs_calls.h"

#include "base/library.h"

int guestfs_calls_load(struct guestfs_calls *ret_calls, struct error *err)
{
    static const struct library library = {
        .file = "libguestfs.so.0", .prefix = "guestfs_", .remedy = "run scripts/install-packages forensics"};
#define ENTRY(result, name, parameters) {#name, offsetof(struct guestfs_calls, name)},
    static const struct library_function functions[] = {GUESTFS_CALLS(ENTRY)};
#undef ENTRY

    return library_load(&library, functions, sizeof functions / sizeof functions[0], ret_calls, err);
}
