/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One job as a line of JOBS.jsonl (docs/farm.md):
 *   {"id", "model", "test"?, "spec"?, "train"?, "reference"?, "triggers"?, "policy"?, "priority"?, "memory"?, "gpu"?}
 * and its description in the queue: the same object, canonical, with "folder", where relative paths begin, and what the
 * batch's command line says for jobs that don't.
 */
#ifndef LAZARET_HOST_FARM_JOB_LINE_H
#define LAZARET_HOST_FARM_JOB_LINE_H

#include "base/buffer.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define JOB_LINE_MAX     8192u /* bytes of a line */
#define JOB_PATH_MAX     4095u
#define JOB_PRIORITY_MAX 1000 /* and as many below 0 */
#define JOB_FOLDER       "folder"

struct job_line {
    json_t *object; /* owned: the description */
    const char *id;
    int priority;        /* 0 where the line has none */
    uint64_t memory_mib; /* of the guest; 0: the policy's */
    bool gpu;            /* it takes one of the machine's GPUs */
};

/* The paths that a description may hold, NULL-ended: "model", "test", …; and what evaluate calls each as an option. */
extern const char *const job_line_paths[];

/*
 * Parses a line. `where` ("jobs.jsonl: line 7") begins messages; ERROR_BAD_INPUT names field and remedy. `defaults` are
 * members for those that the line does not have (or NULL), `folder` the absolute path where relative paths begin; where
 * the model is not there but in the current directory, that is the folder instead.
 */
MUST_USE int job_line_parse(const void *text, size_t size, const char *where, const json_t *defaults,
                            const char *folder, struct job_line *ret_line, struct error *err);

/* Appends the description as text with a final NUL. -ENOMEM, -EMSGSIZE. */
MUST_USE int job_line_describe(const struct job_line *line, struct buffer *ret_text);

void job_line_free(struct job_line *line);
#define CLEANUP_JOB_LINE CLEANUP(job_line_free)

#endif
