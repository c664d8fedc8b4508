/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch says of all its jobs, from its command line: members that job lines may lack, and evaluate's options. */
#ifndef LAZARET_HOST_CLI_FARM_SETTINGS_H
#define LAZARET_HOST_CLI_FARM_SETTINGS_H

#include "host/cli/options.h"

#include <jansson.h>
#include <limits.h>

/* Jobs run in folders of their own: names of files on the command line are made absolute. The array is the owner. */
struct farm_paths {
    char texts[16][PATH_MAX];
    unsigned count;
};

/*
 * Replaces *path, where it is not NULL, by its absolute form. A set's "IMAGES,LABELS" is taken as two. ERROR_NO_INPUT
 * where it is not there.
 */
MUST_USE int farm_paths_resolve(struct farm_paths *paths, const char **path, struct error *err);

/*
 * The options that have values, as the array of arguments that gives the same again: ["--isolation","process"]. Numbers
 * and choices of 0 are left out. The caller's reference.
 */
MUST_USE int farm_settings_make(const struct cli_option *options, size_t count, json_t **ret_array, struct error *err);

/* $LAZARET_STATE made absolute, for the same reason. */
MUST_USE int farm_fix_state(struct error *err);

#endif
