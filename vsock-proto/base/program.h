/* SPDX-License-Identifier: Apache-2.0 */
/* Runs another program and waits for its end. */
#ifndef LAZARET_BASE_PROGRAM_H
#define LAZARET_BASE_PROGRAM_H

#include "base/cleanup.h"

#include <stdbool.h>

struct program {
    const char *file;             /* searched in PATH where it has no slash */
    const char *const *arguments; /* the first names the program; ends with NULL */
    char *const *environment;     /* NULL: this process's own */
    int input, output;            /* its standard input and output; -1: this process's own */
    bool alone;                   /* it gets no descriptor beyond standard error, close-on-exec or not */
};

/*
 * 0, with its exit status, or 128 and the number of the signal that ended it; or -errno where it can't be run: -ENOENT
 * where it is not there.
 */
MUST_USE int program_run(const struct program *program, int *ret_status);

#endif
