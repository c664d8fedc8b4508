/* SPDX-License-Identifier: Apache-2.0 */
/* A file of a command's output: written whole or not at all. */
#ifndef LAZARET_HOST_CLI_WRITE_FILE_H
#define LAZARET_HOST_CLI_WRITE_FILE_H

#include "base/buffer.h"
#include "base/error.h"

/* Writes and syncs a hidden file beside `path`, which takes its name in one step. ERROR_UNAVAILABLE names the path. */
MUST_USE int cli_write_file(const char *path, const struct buffer *bytes, struct error *err);

#endif
