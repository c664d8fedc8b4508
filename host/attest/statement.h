/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signed statement: in-toto Statement v1 with the predicate test-result v0.1. docs/evidence.md
 * explains each field.
 *
 * {"_type", "subject":[{"name","digest":{"sha256"}}], "predicateType",
 *  "predicate":{"result", "configuration":[{"name","digest":{"sha256"}}],
 *               "passedTests":[ID], "warnedTests":[ID], "failedTests":[ID],
 *               "https://lazaret.dev/evaluation/v1":{
 *                   "verdict", "tier", "reasons":[TEXT], "documents":[{"name","digest":{"sha256"}}],
 *                   "checks":[{"id","status","provenance"}], "isolation", "acceleration",
 *                   "hostVerified":[WORD], "guestSaid":[WORD], "job", "order"?,
 *                   "ledger"?:{"origin","intent":INTEGER,"root"}, "provenance"?, "source"? (statement_provenance.h),
 *                   "finishedAt", "producer"}}}
 *
 * The bytes are canonical JSON: integers and strings only. statement_check() is what the signer
 * demands before it signs and what `verify` demands before it believes.
 */
#ifndef LAZARET_HOST_ATTEST_STATEMENT_H
#define LAZARET_HOST_ATTEST_STATEMENT_H

#include "base/buffer.h"
#include "base/error.h"
#include "digest/sha256.h"
#include "host/attest/outcome.h"
#include "host/attest/statement_provenance.h"

#include <jansson.h>
#include <stdint.h>

#define STATEMENT_TYPE           "https://in-toto.io/Statement/v1"
#define STATEMENT_PREDICATE_TYPE "https://in-toto.io/attestation/test-result/v0.1"
#define STATEMENT_EXTENSION      "https://lazaret.dev/evaluation/v1"

#define STATEMENT_SIZE_MAX      ((size_t)256 * 1024)
#define STATEMENT_NAME_MAX      255u /* bytes of a subject's name */
#define STATEMENT_WORD_MAX      64u  /* of a resource's name, a check's id, a word */
#define STATEMENT_REASON_MAX    512u
#define STATEMENT_ORIGIN_MAX    128u /* of a ledger's name */
#define STATEMENT_ORDER_DIGITS  32u  /* hexadecimal, of an order's nonce */
#define STATEMENT_REASONS_MAX   64u
#define STATEMENT_RESOURCES_MAX 64u
#define STATEMENT_SUBJECTS_MAX  1024u
#define STATEMENT_CHECKS_MAX    32u

/* Names of resources that `verify` looks for as files of the output directory. */
#define STATEMENT_POLICY "policy.yaml" /* in `configuration`, required */
#define STATEMENT_SPEC   "spec.yaml"   /* in `configuration` */
#define STATEMENT_PLAN   "plan.json"   /* in `configuration` */
#define STATEMENT_REFERENCE                                                                                            \
    "reference"                         /* in `configuration`: no file of the directory, but one that a replay needs   \
                                         */
#define STATEMENT_TRIGGERS   "triggers" /* likewise */
#define STATEMENT_EVALUATION "evaluation.json" /* in `documents`, exactly where there is a verdict */
#define STATEMENT_EXECUTION  "execution.json"  /* in `documents` */

enum statement_isolation {
    STATEMENT_NO_ISOLATION, /* ended before anything ran */
    STATEMENT_MICROVM,
    STATEMENT_PROCESS,
    STATEMENT_ISOLATION_COUNT
};

enum statement_acceleration {
    STATEMENT_NO_ACCELERATION, /* no virtual machine */
    STATEMENT_KVM,
    STATEMENT_TCG,
    STATEMENT_ACCELERATION_COUNT
};

extern const char *const statement_isolation_names[STATEMENT_ISOLATION_COUNT + 1];       /* none, microvm, process */
extern const char *const statement_acceleration_names[STATEMENT_ACCELERATION_COUNT + 1]; /* none, kvm, tcg */

/* Something named by its digest. Names: subjects, any text (escaped); others, [A-Za-z0-9._-], unique in their list. */
struct statement_resource {
    const char *name;
    uint8_t sha256[SHA256_SIZE];
};

struct statement_check_entry {
    const char *id; /* "clean-accuracy" */
    enum check_status status;
    const char *provenance; /* "host", "host-scored" or "guest" */
};

/* Where the attempt was announced before anything booted: a leaf of a ledger, which was its last at that moment. */
struct statement_ledger {
    const char *origin;        /* the ledger's name */
    uint64_t intent;           /* the leaf's index */
    uint8_t root[SHA256_SIZE]; /* of the ledger's first `intent` + 1 leaves */
};

/* All that a statement says. Nothing is owned; lists are pointer and count. */
struct statement_input {
    const struct statement_resource *subjects; /* every file of the model */
    size_t subject_count;
    const struct statement_resource *configuration; /* policy.yaml; test, train, spec.yaml, plan.json, kernel, … */
    size_t configuration_count;
    const struct statement_resource *documents; /* evaluation.json, execution.json, console.log, … */
    size_t document_count;
    enum outcome outcome;
    const char *tier;           /* "low", "medium", "high" */
    const char *const *reasons; /* at least one unless passed; escaped and cut to STATEMENT_REASON_MAX */
    size_t reason_count;
    const struct statement_check_entry *checks; /* none without an evaluation */
    size_t check_count;
    enum statement_isolation isolation;
    enum statement_acceleration acceleration;
    const char *const *host_verified; /* what the host itself worked out or saw: "model-digest", "labels", … */
    size_t host_verified_count;
    const char *const *guest_said; /* what stands on the guest's word alone: "gradients", … */
    size_t guest_said_count;
    const char *job;                               /* the job's nonce, a word */
    const char *order;                             /* the nonce of the order it answers (docs/slurm.md); NULL: none */
    const struct statement_ledger *ledger;         /* NULL: none was used */
    const struct statement_provenance *provenance; /* NULL: no signature of the model was verified */
    const char *source;                            /* a URI, the user's claim; NULL: none */
    int64_t finished_at;                           /* seconds since 1970, UTC; the signer's own claim */
};

/*
 * Appends the statement's bytes. ERROR_INTERNAL, -EINVAL where the input breaks a rule of
 * statement_check (the text says which); ERROR_UNAVAILABLE, -ENOMEM.
 */
MUST_USE int statement_encode(const struct statement_input *input, struct buffer *ret_bytes, struct error *err);

/*
 * Checks that the bytes are a canonical statement of exactly this form and free of contradictions:
 * result and lists follow from verdict and checks; an evaluation is named exactly where there is a
 * verdict; nothing passes above the low tier or with a check that did not pass. ERROR_BAD_INPUT,
 * -EBADMSG. On success *ret_statement is the caller's reference.
 */
MUST_USE int statement_check(const void *bytes, size_t size, json_t **ret_statement, struct error *err);

/* The extension object of a checked statement; borrowed. */
json_t *statement_get_extension(const json_t *statement);

/* A checked statement's place in a ledger, its text borrowed; -ENOENT where it has none. */
MUST_USE int statement_get_ledger(const json_t *statement, struct statement_ledger *ret_ledger);

/* The digest by which a checked list ("configuration" or "documents") names a resource; -ENOENT where it does not. */
MUST_USE int statement_find_resource(const json_t *list, const char *name, uint8_t ret_sha256[SHA256_SIZE]);

#endif
