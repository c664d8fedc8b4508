/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that write an output directory share: each writes some documents and names their digests. */
#ifndef LAZARET_HOST_JOB_PUBLISH_INTERNAL_H
#define LAZARET_HOST_JOB_PUBLISH_INTERNAL_H

#include "host/attest/statement.h"
#include "host/job/publish.h"

#include <jansson.h>
#include <stdbool.h>

#define PUBLISH_RESOURCES_MAX 32u

/* Digests gathered on the way, for the statement. */
struct gathering {
    const struct publication *publication;
    struct staging *staging;
    struct statement_resource configuration[PUBLISH_RESOURCES_MAX], documents[PUBLISH_RESOURCES_MAX];
    size_t configuration_count, document_count;
    int64_t finished_at;           /* seconds since 1970, UTC */
    json_t *execution, *forensics; /* owned, for the report; NULL: not written */
    struct error *err;
};

/* Names what went in, or what came out, by its digest. `name` is kept, not copied. */
void publish_name_input(struct gathering *g, const char *name, const uint8_t sha256[SHA256_SIZE]);
void publish_name_document(struct gathering *g, const char *name, const uint8_t sha256[SHA256_SIZE]);

/* Names a document by what its descriptor holds. */
MUST_USE int publish_name_file(struct gathering *g, const char *name, int fd);

/* Writes bytes as a document of the directory, and names it. */
MUST_USE int publish_write(struct gathering *g, const char *name, const void *data, size_t size);

/* The same of a JSON document in canonical form, of at most `limit` bytes; the reference is taken over, NULL is
 * -ENOMEM. */
MUST_USE int publish_document(struct gathering *g, const char *name, json_t *document, size_t limit);

/* The parts, in the order in which they are written. */
MUST_USE int publish_inputs(struct gathering *g);  /* plan.json, policy.yaml, spec.yaml and its arrays, domain.xml */
MUST_USE int publish_origin(struct gathering *g);  /* model.sig, SHA256SUMS */
MUST_USE int publish_samples(struct gathering *g); /* samples.npz */
MUST_USE int publish_report(struct gathering *g, struct signer *signer);    /* report.html, junit.xml */
MUST_USE int publish_statement(struct gathering *g, struct signer *signer); /* result.sigstore.json */

/* Whether the model's signature was verified, and what the statement says of it; borrowed from the publication. */
bool publish_provenance(const struct gathering *g, struct statement_provenance *ret_provenance);

/* The statement over what was named so far. */
MUST_USE int publish_encode_statement(struct gathering *g, struct buffer *ret_bytes);

#endif
