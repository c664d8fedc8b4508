/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hidden directories, in which an output gathers: their names, and how they are removed.
 *
 * Such a directory stands beside the output as .NAME.R, R being 16 hexadecimal digits at random. The name is journaled
 * before the directory is made, so that whatever kills everything in between leaves nothing that nobody knows of; and a
 * name that was read back from a journal is followed only if it is of this form, through no symbolic link.
 */
#ifndef LAZARET_HOST_JOB_HIDDEN_H
#define LAZARET_HOST_JOB_HIDDEN_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>

/*
 * An unused hidden name, absolute and without symbolic links, for an output at `path`, whose last component is split
 * off ("a/b/" is b in a, "b" is b in "."). ERROR_USAGE for a path that can't be one, or whose folder has a line break
 * in it; ERROR_NO_INPUT where the folder is not there.
 */
MUST_USE int hidden_choose(const char *path, char ret_hidden[PATH_MAX], struct error *err);

/* Whether it is a name as hidden_choose() gives them. */
bool hidden_is_name(const char *path);

/*
 * Removes a hidden directory and the files in it; nothing deeper, nothing by another kind of name, nothing through a
 * symbolic link. What is not there is fine. Never fails: what can't be removed stays.
 */
void hidden_remove(const char *hidden);

#endif
