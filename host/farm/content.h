/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job is, by content: two jobs of one content have the same evaluation, so the second needs none.
 *
 *   SHA-256 of "lazaret farm content 2", then a line "NAME DIGEST" for each file, named as a statement names it
 *   ("policy.yaml", "test", "test-labels", …), the agent or the guest image by name, guest memory, and the batch's
 *   settings as they are. A spec that names files of its own is read by the data reader alone, which parses it: such a
 *   job's content is its own.
 */
#ifndef LAZARET_HOST_FARM_CONTENT_H
#define LAZARET_HOST_FARM_CONTENT_H

#include "base/error.h"
#include "digest/sha256.h"

#include <jansson.h>

#define CONTENT_INPUTS_MAX 12u

/* What went into a job, to be compared with what its result's statement says went into it. */
struct content_facts {
    uint8_t content[SHA256_SIZE], model[SHA256_SIZE];
    unsigned count;
    struct {
        const char *name; /* as in the statement's `configuration`; static */
        uint8_t digest[SHA256_SIZE];
    } inputs[CONTENT_INPUTS_MAX];
};

struct content;

/*
 * A worker's memory of digests: a data set that stays as it is (device, inode, size, both times) is hashed once. Large
 * files take their time: `watch` is called now and then, and ends the hashing with what it returns where not 0.
 */
MUST_USE int content_new(struct content **ret_content, struct error *err);
void content_free(struct content *content);

/* The digest of an open file that has been hashed and has not changed since: 0, or -ENOENT. */
MUST_USE int content_recall(const struct content *content, int fd, uint8_t ret_digest[SHA256_SIZE]);

/*
 * Of a job's description; relative paths begin at the current directory. ERROR_NO_INPUT: a file is not there or can't
 * be read, with its name. 1 or a negative errno of watch().
 */
MUST_USE int content_of(struct content *content, const json_t *description, const char *settings,
                        int (*watch)(void *context, struct error *err), void *context, struct content_facts *ret_facts,
                        struct error *err);

#endif
