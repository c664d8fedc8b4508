/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job is, by content: two jobs of one content have the same evaluation, so the second needs none.
 *
 *   SHA-256 of "lazaret farm content 1", then a line "NAME DIGEST" for each file in the order of job_line_paths (test
 *   and train with their labels' file as "NAME-labels"), the agent or the guest image by name, guest memory, and the
 *   batch's settings as they are.
 */
#ifndef LAZARET_HOST_FARM_CONTENT_H
#define LAZARET_HOST_FARM_CONTENT_H

#include "base/error.h"
#include "digest/sha256.h"

#include <jansson.h>

struct content;

/* A worker's memory of digests: a data set that stays as it is (device, inode, size, both times) is hashed once. */
MUST_USE int content_new(struct content **ret_content, struct error *err);
void content_free(struct content *content);

/*
 * Of a job's description; relative paths begin at the current directory. *ret_model is the model file's own digest.
 * ERROR_NO_INPUT: a file is not there or can't be read, with its name.
 */
MUST_USE int content_of(struct content *content, const json_t *description, const char *settings,
                        uint8_t ret_content[SHA256_SIZE], uint8_t ret_model[SHA256_SIZE], struct error *err);

#endif
