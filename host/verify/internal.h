/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of host/verify share. */
#ifndef LAZARET_HOST_VERIFY_INTERNAL_H
#define LAZARET_HOST_VERIFY_INTERNAL_H

#include "host/verify/verify.h"

#include <jansson.h>

/* Adds a line to the report; text that came from a file is made harmless. */
__attribute__((format(printf, 4, 5))) void verify_add(struct verify_report *report, enum verify_state state,
                                                      const char *what, const char *format, ...);

/*
 * Compares an output directory's files with the digests of a believed statement, and works the
 * verdict out again. `directory` is NULL where only a bundle was given. Errors as verify_run().
 */
MUST_USE int verify_files(const struct verify_request *request, const char *directory, const json_t *statement,
                          struct verify_report *report, struct error *err);

#endif
