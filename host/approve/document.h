/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents that people sign about a result: a sign-off, a waiver, and the release that rests on them. Each is an
 * in-toto Statement v1 with the predicate svr v0.2 ("simple verification result"), which lists passing properties
 * only, so that nothing that is deleted turns a no into a yes. docs/approval.md explains each field.
 *
 * {"_type", "predicateType":"https://in-toto.io/attestation/svr/v0.2",
 *  "subject":[{"name":"result.sigstore.json","digest":{"sha256"}}, … the result's own subjects: the model's files],
 *  "predicate":{"verifier":{"id":"https://lazaret.dev/approve","policies":[{"digest":{"sha256"}}]},
 *               "timeCreated", "properties":[ONE], EXTENSION:{"statement","tier","validUntil", …}}}
 *
 *   sign-off  X_HUMAN_APPROVED  https://lazaret.dev/approval/v1  + "verdict","reasons"
 *   waiver    X_CHECK_WAIVED    https://lazaret.dev/waiver/v1    + "by","check","reason"
 *   release   X_RELEASED        https://lazaret.dev/release/v1   + "required","signOffs","verdict","waivers","producer"
 *
 * "statement" is the SHA-256 of the result's statement: it stays what it is when a timestamp or a log entry is added
 * to result.sigstore.json. document_check() is what a signer demands before it signs and a reader before it believes.
 */
#ifndef LAZARET_HOST_APPROVE_DOCUMENT_H
#define LAZARET_HOST_APPROVE_DOCUMENT_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/time_text.h"
#include "host/attest/statement.h"
#include "host/policy/policy.h"

#include <jansson.h>

#define DOCUMENT_PREDICATE_TYPE "https://in-toto.io/attestation/svr/v0.2"
#define DOCUMENT_VERIFIER       "https://lazaret.dev/approve"
#define DOCUMENT_RESULT         "result.sigstore.json"

#define DOCUMENT_REASON_MAX   512u                 /* bytes of a waiver's reason */
#define DOCUMENT_SIGNERS_MAX  POLICY_REVIEWERS_MAX /* sign-offs or waivers that a release names */
#define DOCUMENT_NAME_SIZE    KEYRING_NAME_SIZE
#define DOCUMENT_FILE_SIZE    128u /* of a file's name with its NUL */
#define DOCUMENT_SUBJECTS_MAX (STATEMENT_SUBJECTS_MAX + 1)

enum document_kind { DOCUMENT_SIGN_OFF, DOCUMENT_WAIVER, DOCUMENT_RELEASE, DOCUMENT_KIND_COUNT };

/* What a document is about. Nothing is owned. */
struct document_target {
    const json_t *statement;               /* the result's, checked */
    uint8_t bundle_sha256[SHA256_SIZE];    /* of result.sigstore.json */
    uint8_t statement_sha256[SHA256_SIZE]; /* of the statement's bytes in it */
    uint8_t policy_sha256[SHA256_SIZE];    /* of the policy under which it is to be released */
    enum policy_tier tier;                 /* that policy's */
};

/* A checked document. */
struct document {
    enum document_kind kind;
    json_t *json;           /* owned */
    const json_t *subjects; /* borrowed from json, as are the others */
    const json_t *extension;
    uint8_t bundle_sha256[SHA256_SIZE], statement_sha256[SHA256_SIZE], policy_sha256[SHA256_SIZE];
    enum policy_tier tier;
    int64_t created, valid_until;    /* seconds since 1970; the first is the author's claim, the second included */
    const char *check, *by, *reason; /* of a waiver, else NULL */
};

/* A sign-off or waiver that a release rests on. */
struct document_support {
    char by[DOCUMENT_NAME_SIZE];    /* the key's name in the ring */
    char check[DOCUMENT_NAME_SIZE]; /* "" of a sign-off */
    char file[DOCUMENT_FILE_SIZE];  /* in the output directory */
    uint8_t fingerprint[SHA256_SIZE];
    uint8_t sha256[SHA256_SIZE]; /* of the file */
};

struct document_release {
    unsigned required;
    const struct document_support *sign_offs, *waivers;
    size_t sign_off_count, waiver_count;
    enum outcome verdict; /* under the policy: passed or needs-review */
};

/*
 * Append a document's bytes. ERROR_INTERNAL, -EINVAL where document_check() would refuse them (the text says why);
 * ERROR_UNAVAILABLE, -ENOMEM.
 */
MUST_USE int document_encode_sign_off(const struct document_target *target, int64_t created, int64_t valid_until,
                                      struct buffer *ret_bytes, struct error *err);
MUST_USE int document_encode_waiver(const struct document_target *target, const char *check, const char *by,
                                    const char *reason, int64_t created, int64_t valid_until, struct buffer *ret_bytes,
                                    struct error *err);
MUST_USE int document_encode_release(const struct document_target *target, const struct document_release *release,
                                     int64_t created, int64_t valid_until, struct buffer *ret_bytes, struct error *err);

/*
 * Checks that the bytes are a canonical document of exactly this kind and form. ERROR_BAD_INPUT, -EBADMSG. On success
 * document_free() the result.
 */
MUST_USE int document_check(const void *bytes, size_t size, enum document_kind kind, struct document *ret_document,
                            struct error *err);

/* The same for a signer, by kind (signer/signer.h). */
MUST_USE int document_accept_sign_off(const void *bytes, size_t size, struct error *err);
MUST_USE int document_accept_waiver(const void *bytes, size_t size, struct error *err);
MUST_USE int document_accept_release(const void *bytes, size_t size, struct error *err);

/* One of a checked release's "signOffs" or "waivers", by index. */
void document_read_support(const struct document *release, enum document_kind kind, size_t index,
                           struct document_support *ret_support);
size_t document_count_supports(const struct document *release, enum document_kind kind);

void document_free(struct document *document);

#define CLEANUP_DOCUMENT CLEANUP(document_free)

/* What the files of documents share: their names in JSON. */
struct document_form {
    const char *property, *extension;
};
extern const struct document_form document_forms[DOCUMENT_KIND_COUNT];

#endif
