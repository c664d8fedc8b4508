/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An auditor's view of a ledger: which attempts were announced, and which of them the results at hand answer.
 *
 * A result answers the intent whose index its statement names, where job, model and policy are the intent's, the
 * statement's root is that of the ledger up to it, and the result's own leaf comes later. Signatures of results are not
 * checked here: a leaf is of exactly one envelope.
 */
#ifndef LAZARET_HOST_LEDGER_AUDIT_H
#define LAZARET_HOST_LEDGER_AUDIT_H

#include "host/attest/statement.h"
#include "host/ledger/leaf.h"
#include "host/ledger/verify.h"

#include <stdbool.h>

#define AUDIT_RESULTS_MAX 1024u
#define AUDIT_INTENTS_MAX ((size_t)4 << 20)
#define AUDIT_PROBLEM_MAX 96u

/* A result at hand. */
struct audit_result {
    const char *path;                        /* borrowed */
    char model_name[STATEMENT_NAME_MAX + 1]; /* printable */
    enum outcome outcome;
    char job[STATEMENT_WORD_MAX + 1];
    uint8_t model[SHA256_SIZE], policy[SHA256_SIZE], envelope[SHA256_SIZE], payload[SHA256_SIZE];
    bool announced; /* the statement names an intent: the following */
    char origin[STATEMENT_ORIGIN_MAX + 1];
    uint64_t intent;
    uint8_t root[SHA256_SIZE];
    bool logged, answers; /* its leaf was found; its intent is the one it says */
    uint64_t leaf;
    char problem[AUDIT_PROBLEM_MAX]; /* what does not match, or "" */
};

struct audit_intent {
    uint64_t index;
    uint8_t model[SHA256_SIZE];
    const struct audit_result *result; /* at hand; NULL: none */
    char *job;                         /* owned; printable */
};

struct audit {
    struct ledger_verified verified;
    struct audit_intent *intents;
    size_t intent_count, intent_room, answered;
    struct audit_result *results;
    size_t result_count, problem_count;
    uint64_t logged, others; /* leaves of results, and of neither kind */
};

/*
 * Adds a result: a bundle's bytes. ERROR_BAD_INPUT where it is no bundle of a statement of ours; `path` begins the text
 * and is kept.
 */
MUST_USE int audit_add(struct audit *audit, const char *path, const void *bundle, size_t size, struct error *err);

/* Checks the whole ledger as ledger_verify() does, and fills in the rest. ERROR_UNAVAILABLE beyond AUDIT_INTENTS_MAX.
 */
MUST_USE int audit_run(struct audit *audit, const char *path, const struct ledger_trust *trust,
                       const struct checkpoint *since, struct error *err);

void audit_free(struct audit *audit);

#define CLEANUP_AUDIT CLEANUP(audit_free)

#endif
