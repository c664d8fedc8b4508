/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the policy's document into the policy, each within bounds and named where it is not; host/policy only. */
#ifndef LAZARET_HOST_POLICY_TAKE_H
#define LAZARET_HOST_POLICY_TAKE_H

#include "host/policy/schema.h"

/* ERROR_BAD_INPUT, -EBADMSG: "KEY: WHAT". */
int take_refuse(struct error *err, const char *key, const char *what);

struct take_number {
    const char *key;
    unsigned value, min, max;
    unsigned *to;
};
MUST_USE int take_numbers(const struct take_number *list, size_t count, struct error *err);

/* A plain decimal in [min, max]; where `above`, min itself is outside. */
struct take_decimal {
    const char *key, *text;
    double min, max;
    bool above;
    double *to;
};
MUST_USE int take_decimals(const struct take_decimal *list, size_t count, struct error *err);

/* A layer's name; NULL: the penultimate. */
MUST_USE int take_layer(const char *key, const char *text, char ret_layer[POLICY_LAYER_SIZE], struct error *err);

/*
 * An eps has one spelling, as the spelling names the point in evaluation.json: 0.1, never .1 or 0.10.
 * The same of a norm, which is "inf" or a p from 1 to POLICY_NORM_MAX.
 */
MUST_USE int take_eps(const char *key, const char *text, struct policy_decimal *ret_eps, struct error *err);
MUST_USE int take_norm(const char *key, const char *text, struct policy_decimal *ret_norm, struct error *err);

/* A public key of any kind that we verify by, from a ring's text; `name` begins the error's text. */
MUST_USE int take_public_key(const char *text, const char *name, struct crypto_public_key **ret_key, struct error *err);

/* Keys and revocations into a ring that is all zero. */
MUST_USE int take_provenance(const struct document_provenance *from, struct policy_provenance *to, struct error *err);
MUST_USE int take_keys(const struct document_keyring *from, struct keyring *ring, struct error *err);

/* By section; an absent one (NULL) leaves the policy's as it is. Robustness comes after the attacks that it is of. */
MUST_USE int take_attacks(const struct document_checks *from, struct policy *policy, struct error *err);
MUST_USE int take_trojan_checks(const struct document_checks *from, struct policy *policy, struct error *err);

/* After tier and keys; NULL: what goes without saying. */
MUST_USE int take_approval(const struct document_approval *from, struct policy *policy, struct error *err);

#define TAKE_COUNT(list) (sizeof(list) / sizeof((list)[0]))

#endif
