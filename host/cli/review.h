/* SPDX-License-Identifier: Apache-2.0 */
/* What approve, waive and release share: a result that holds, the policy and the keys, and what is signed so far. */
#ifndef LAZARET_HOST_CLI_REVIEW_H
#define LAZARET_HOST_CLI_REVIEW_H

#include "host/approve/result.h"
#include "host/approve/review.h"
#include "host/cli/trust.h"
#include "host/crypto/passphrase.h"
#include "host/signer/signer.h"

#include <limits.h>

struct cli_review {
    /* The command line. */
    const char *directory, *policy_path, *keys_path, *result_key_path, *key_path;
    struct crypto_passphrase passphrase;
    struct cli_trust trust;

    /* What cli_review_open() makes of it. */
    char policy_at[PATH_MAX];
    struct policy *policy;          /* owned */
    struct keyring *own_ring;       /* owned; NULL where the policy's keys serve */
    char signer[KEYRING_NAME_SIZE]; /* of the result, as the ring names it, or "" */
    struct approve_result result;
    struct review_request request;
    struct review *review;          /* owned */
    struct review_verdict *settled; /* owned */
};

#define CLI_REVIEW_OPTIONS(r)                                                                                          \
    CLI_OPTION_TEXT("keys", "KEYS.yaml", "trusted keys from a file of their own (default: the policy's `keys`)",       \
                    &(r).keys_path),                                                                                   \
        CLI_OPTION_TEXT("result-key", "PUB.pem",                                                                       \
                        "the public key that must have signed the result (default: a key "                             \
                        "with use: [result])",                                                                         \
                        &(r).result_key_path),                                                                         \
        CLI_TRUST_OPTIONS((r).trust)

/* What --expires says: a time to come, at most POLICY_DAYS_MAX days ahead of `now`. ERROR_USAGE. */
MUST_USE int cli_review_take_end(const char *text, int64_t now, int64_t *ret_end, struct error *err);

/* Loads policy and keys, and verifies the result. ERROR_MISMATCH where it does not hold. */
MUST_USE int cli_review_open(struct cli_review *review, struct error *err);

/* Reads and settles what is signed so far; again after something was added. */
MUST_USE int cli_review_collect(struct cli_review *review, struct error *err);

/* Whether nothing can ever approve this: says so, with the exit status of what it is; else 0. */
int cli_review_refuse(const struct cli_review *review);

/* The result, its verdict, and the policy; the sign-offs and waivers; these, and what is missing. */
void cli_review_print_result(const struct cli_review *review);
void cli_review_print_signed(const struct cli_review *review);
void cli_review_print_state(const struct cli_review *review);

/* Starts the signer for one kind of document. */
MUST_USE int cli_review_start_signer(struct cli_review *review, signer_accept *accept, struct signer **ret_signer,
                                     struct error *err);

/* Signs and writes a bundle under a lock that the caller holds. */
MUST_USE int cli_review_sign(struct signer *signer, const struct buffer *payload, int folder_fd, const char *name,
                             struct error *err);

void cli_review_close(struct cli_review *review);

#endif
