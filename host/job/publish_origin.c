/* SPDX-License-Identifier: Apache-2.0 */
/* Where the model comes from: the files that say so, who is behind them, and what the statement says. */
#include "host/job/publish_internal.h"

#include "host/job/origin.h"

#include <string.h>

/* An input, and a copy of it among the documents. */
static int write_file(struct gathering *g, const char *name, const char *copy, const struct provenance_file *file)
{
    publish_name_input(g, name, file->sha256);
    return publish_write(g, copy, file->bytes.data, file->bytes.size);
}

/* Given is given: a signature that does not hold is evidence, too. */
int publish_origin(struct gathering *g)
{
    const struct origin *origin = g->publication->origin;
    const struct provenance_verdict *verdict;
    int r = 0;

    if (origin == NULL)
        return 0;
    verdict = &origin->verdict;
    if (origin->inputs.has_signature)
        r = write_file(g, STATEMENT_SIGNATURE, STATEMENT_SIGNATURE_COPY, &origin->inputs.signature);
    if (r == 0 && origin->inputs.has_checksums)
        r = write_file(g, STATEMENT_CHECKSUMS, STATEMENT_CHECKSUMS_COPY, &origin->inputs.checksums);
    if (r < 0 || !origin->signature_holds)
        return r;
    if (verdict->method == SIGNATURE_BY_KEY) {
        publish_name_input(g, STATEMENT_TRUSTED_KEY, verdict->key_sha256);
    } else {
        publish_name_input(g, STATEMENT_TRUSTED_CA, verdict->authority_sha256);
        publish_name_input(g, STATEMENT_SIGNING_CERTIFICATE, verdict->certificate_sha256);
    }
    return 0;
}

bool publish_provenance(const struct gathering *g, struct statement_provenance *ret_provenance)
{
    const struct origin *origin = g->publication->origin;

    if (origin == NULL || !origin->signature_holds)
        return false;
    *ret_provenance = (struct statement_provenance){.files = origin->verdict.files};
    memcpy(ret_provenance->model, origin->verdict.model_sha256, SHA256_SIZE);
    if (origin->verdict.method == SIGNATURE_BY_CERTIFICATE)
        ret_provenance->identity = origin->inputs.identities[origin->verdict.identity_index];
    return true;
}
