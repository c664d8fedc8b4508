/* SPDX-License-Identifier: Apache-2.0 */
/* What a finished result says, once it has been verified: signature, schema, every file of it. */
#ifndef LAZARET_HOST_FARM_JUDGE_H
#define LAZARET_HOST_FARM_JUDGE_H

#include "host/farm/content.h"
#include "host/farm/queue.h"

struct judgement {
    enum outcome outcome;
    char reason[QUEUE_REASON_SIZE]; /* the first one, foreign text; "" for none */
    /*
     * The machine and not the model ended it: the VM or its device was killed from outside. Another attempt may tell
     * more.
     */
    bool machine_failed;
    bool out_of_memory;  /* the guest said that its memory is too small; its own word */
    bool has_evaluation; /* and its digest, by which two evaluations of the same are compared */
    uint8_t evaluation[SHA256_SIZE];
};

/*
 * Judges the result in `path` by the public key in `key_path`; it must be of the model and the inputs that `facts`
 * name. ERROR_MISMATCH: it does not verify, or is of others (-ESTALE); other errors as verify_run().
 */
MUST_USE int judge_result(const char *path, const char *key_path, const struct content_facts *facts,
                          struct judgement *ret_judgement, struct error *err);

/* The same of an answer to the order of this nonce (docs/slurm.md): -ESTALE where it answers another one, or none. */
MUST_USE int judge_answer(const char *path, const char *key_path, const struct content_facts *facts, const char *order,
                          struct judgement *ret_judgement, struct error *err);

/* The state of a job that ended with this outcome. */
enum queue_state judge_state(enum outcome outcome);

#endif
