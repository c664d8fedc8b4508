/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object: what failed, where, and what to do, for a person to read.
 *
 * A function that can fail returns 0 or a negative errno and takes `struct error *err` last where
 * a cause matters. On failure it has called error_set() once; a caller may put its own context in
 * front with error_prefix(). On success the object is untouched. `err` may be NULL.
 */
#ifndef LAZARET_BASE_ERROR_H
#define LAZARET_BASE_ERROR_H

#include "base/cleanup.h"

#include <stdarg.h>

/* Whose fault it is; each kind has one exit status (error_exit_status). */
enum error_kind {
    ERROR_NONE = 0,
    ERROR_USAGE,       /* 64: the command line is wrong */
    ERROR_BAD_INPUT,   /* 65: a file's content is wrong */
    ERROR_NO_INPUT,    /* 66: a file is not there or can't be read */
    ERROR_UNAVAILABLE, /* 69: something this machine lacks: a program, space, memory, a device */
    ERROR_INTERNAL,    /* 70: a fault of Lazaret's own, or of the system under it */
    ERROR_GUEST,       /* 3: the guest failed, lied or died: could not evaluate */
    ERROR_MISMATCH,    /* 4: verification or replay found a difference */
};

#define ERROR_TEXT_MAX 1024u

struct error {
    enum error_kind kind;
    int code; /* negative errno */
    char text[ERROR_TEXT_MAX];
};

/*
 * Records an error and returns `code` (a negative errno), so that callers can `return
 * error_set(...)`. The text names the file or field, the place, and the remedy; no final newline.
 */
int error_set(struct error *err, enum error_kind kind, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "prefix: " in front of the text that is there; returns err's code. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The process exit status for a kind, as listed above. */
int error_exit_status(enum error_kind kind);

#endif
