/* SPDX-License-Identifier: Apache-2.0 */
/* Shared libraries that are loaded by the one process that needs them, and linked by none. */
#ifndef LAZARET_BASE_LIBRARY_H
#define LAZARET_BASE_LIBRARY_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct library {
    const char *file;   /* "libvirt.so.0" */
    const char *prefix; /* of each function's name; "" */
    const char *remedy; /* "apt-get install libvirt0" */
    bool whole;         /* every function it uses is found at once: for who confines itself before calling it */
};

/* One function: its name without the prefix, and where in the caller's table its address goes. */
struct library_function {
    const char *name;
    size_t offset;
};

/*
 * Loads a library for the rest of the process's life and fills in the table, whole or not at all. ERROR_UNAVAILABLE,
 * with the remedy, where it is not here (-ENOENT) or lacks a function (-ENOSYS).
 */
MUST_USE int library_load(const struct library *library, const struct library_function *functions, size_t count,
                          void *ret_table, struct error *err);

#endif
