/* SPDX-License-Identifier: Apache-2.0 */
/* JOBS.jsonl into the queue: line by line, a bad one told of and passed over. */
#ifndef LAZARET_HOST_FARM_SUBMIT_H
#define LAZARET_HOST_FARM_SUBMIT_H

#include "host/farm/cost.h"
#include "host/farm/database.h"

#include <jansson.h>

struct submission {         /* borrowed */
    const char *path;       /* of the file; "-": standard input */
    const json_t *defaults; /* an object: members that lines may lack (job_line.h) */
    const char *settings;   /* a JSON array of arguments for `lazaret evaluate` */
    struct cost_setting cost;
    /* Hears of each bad line, which is passed over; "NAME: line N: …". */
    void (*bad_line)(void *context, const char *text);
    void *context;
};

struct submitted {
    uint64_t added;
    uint64_t known; /* by an earlier batch */
    uint64_t bad;
};

/*
 * ERROR_NO_INPUT: no such file; ERROR_BAD_INPUT: more jobs than a farm takes; those of database_open(). Lines before an
 * error may have been added: the same file once more adds the rest.
 */
MUST_USE int submit_jobs(struct database *database, const struct submission *submission,
                         struct submitted *ret_submitted, struct error *err);

#endif
