/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a statement says of where the model comes from; members of its extension, each absent where there is nothing to
 * say.
 *
 *   "provenance":{"method":"key"|"certificate","model":SHA-256,"files":INTEGER,"identity"?:TEXT}
 *   "source":URI
 *
 * `provenance` is there exactly where the model's own signature was verified, which `hostVerified` says with the word
 * "provenance"; `configuration` then names the signature file and who signed: "trusted-key" (SHA-256 of the DER
 * SubjectPublicKeyInfo), or "trusted-ca" and "signing-certificate" (of their DER). `model` is the manifest's digest
 * over all files, `files` their number. The word "checksums" goes with the list's digest in `configuration`. `source`
 * is the user's claim, and nobody checked it.
 */
#ifndef LAZARET_HOST_ATTEST_STATEMENT_PROVENANCE_H
#define LAZARET_HOST_ATTEST_STATEMENT_PROVENANCE_H

#include "base/error.h"
#include "digest/sha256.h"

#include <jansson.h>

#define STATEMENT_SIGNATURE           "model-signature"     /* in `configuration` */
#define STATEMENT_SIGNATURE_COPY      "model.sig"           /* in `documents`: the same bytes */
#define STATEMENT_CHECKSUMS           "checksums"           /* in `configuration` */
#define STATEMENT_CHECKSUMS_COPY      "SHA256SUMS"          /* in `documents`: the same bytes */
#define STATEMENT_TRUSTED_KEY         "trusted-key"         /* in `configuration` */
#define STATEMENT_TRUSTED_CA          "trusted-ca"          /* in `configuration` */
#define STATEMENT_SIGNING_CERTIFICATE "signing-certificate" /* in `configuration` */
#define STATEMENT_WORD_PROVENANCE     "provenance"          /* in `hostVerified` */
#define STATEMENT_WORD_CHECKSUMS      "checksums"           /* in `hostVerified` */
#define STATEMENT_IDENTITY_MAX        255u                  /* bytes */

/* A model's signature that holds; borrowed. */
struct statement_provenance {
    const char *identity;       /* of the certificate; NULL: it was made with a key */
    uint8_t model[SHA256_SIZE]; /* the manifest's digest */
    uint32_t files;             /* at least 1 */
};

/* Adds the members to an extension under construction; NULL for what is not there. -ENOMEM. */
MUST_USE int statement_add_provenance(json_t *extension, const struct statement_provenance *provenance,
                                      const char *source);

/* Checks the members, and that words and digests go with them. ERROR_BAD_INPUT, -EBADMSG. */
MUST_USE int statement_check_provenance(const json_t *extension, const json_t *configuration, struct error *err);

#endif
