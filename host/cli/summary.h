/* SPDX-License-Identifier: Apache-2.0 */
/* What evaluation.json says, some lines a check, the worst check first, for a terminal. */
#ifndef LAZARET_HOST_CLI_SUMMARY_H
#define LAZARET_HOST_CLI_SUMMARY_H

#include "base/buffer.h"

/* Prints the checks of an evaluation's bytes to standard output; nothing where they can't be read. */
void summary_print(const struct buffer *evaluation);

#endif
