/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of host/verify share: one verification under way, a file a concern. */
#ifndef LAZARET_HOST_VERIFY_INTERNAL_H
#define LAZARET_HOST_VERIFY_INTERNAL_H

#include "host/attest/bundle.h"
#include "host/policy/policy.h"
#include "host/verify/verify.h"

#include <jansson.h>
#include <limits.h>

struct verify {
    const struct verify_request *request;
    struct verify_report *report;
    char bundle_path[PATH_MAX];
    const char *directory;            /* NULL where only a bundle was given */
    struct policy *policy;            /* the auditor's, or NULL */
    struct keyring *ring;             /* of --keys, or NULL */
    const struct keyring *trusted;    /* the ring, or the policy's keys; borrowed; NULL: none */
    const char *trusted_name;         /* the file it comes from */
    struct crypto_public_key *key;    /* that must have signed; NULL: not known yet */
    const struct keyring_key *listed; /* its entry in `trusted`, or NULL */
    struct bundle bundle;
    json_t *statement; /* NULL until it is believed; believed ones are free of contradictions */
};

/* Adds a line to the report; text that came from a file is made harmless. */
__attribute__((format(printf, 5, 6))) void verify_add(struct verify *verify, enum verify_section section,
                                                      enum verify_state state, const char *what, const char *format,
                                                      ...);

/* Makes a line a mismatch, with words in front of its detail. */
void verify_refuse_item(struct verify_item *item, const char *prefix);

/* The statement's lists of resources. */
const json_t *verify_configuration(const struct verify *verify);
const json_t *verify_documents(const struct verify *verify);

/* --- verify_key.c: whom to trust, and the signature --- */

/* Loads the auditor's keys and policy. */
MUST_USE int verify_key_load(struct verify *verify, struct error *err);

/* Chooses the key that must have signed and checks signature and statement; verify->statement is set where both hold.
 */
MUST_USE int verify_signature(struct verify *verify, struct error *err);

/* --- verify_time.c: timestamps, and the key at the time that they prove --- */
MUST_USE int verify_time(struct verify *verify, struct error *err);
void verify_key_standing(struct verify *verify);

/* --- verify_ledger.c: inclusion in the ledger, and its witnesses --- */
MUST_USE int verify_ledger(struct verify *verify, struct error *err);

/* --- verify_inputs.c: model, data and platform at hand --- */
MUST_USE int verify_inputs(struct verify *verify, struct error *err);

/* verify_model.c: the model's files. */
MUST_USE int verify_model(struct verify *verify, struct error *err);

/* Whether a name in `configuration` is that of an input that lies outside the output directory. */
bool verify_is_input(const char *name);

/* --- verify_files.c: the output directory --- */
MUST_USE int verify_files(struct verify *verify, struct error *err);

/* --- verify_verdict.c: the verdict again --- */
MUST_USE int verify_verdict(struct verify *verify, struct error *err);

/* verify_figures.c: whether an evaluation's ratios follow from its counts. */
void verify_figures(struct verify *verify, const json_t *evaluation);

/* --- verify_approval.c: sign-offs, waivers and the release --- */
MUST_USE int verify_approval(struct verify *verify, struct error *err);

/* --- verify_provenance.c: where the model is said to come from --- */

/* A line of what the signer's own policy has to say of it; an evaluation that its policy forbids is a mismatch. */
void verify_provenance(struct verify *verify, const struct policy *policy);

/* --- verify_required.c: what must not be left unchecked --- */

/* ERROR_USAGE for a name that no row has. */
MUST_USE int verify_required_check(const char *required, struct error *err);
void verify_required(struct verify *verify);

#endif
