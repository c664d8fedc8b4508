/* SPDX-License-Identifier: Apache-2.0 */
/* The statement over all digests, its signature, and the bundle of both. */
#include "host/job/publish_internal.h"

#include "base/io.h"
#include "host/attest/bundle.h"
#include "host/job/deadlines.h"
#include "wire/rows.h"

#include <stdio.h>
#include <string.h>

#define GUEST_WORDS_MAX 5u
#define HOST_WORDS_MAX  (9u + ORIGIN_WORDS_MAX)

/* What the host itself worked out or saw; ret_words has room for all of it. */
static size_t list_host_words(const struct publication *p, const char *ret_words[HOST_WORDS_MAX])
{
    static const char *const inputs[] = {"model-digest", "data-digests"};
    static const char *const scored[] = {"labels", "scores", "adversarial-sample-bounds", "vm-destruction"};
    size_t count = sizeof inputs / sizeof inputs[0];

    memcpy(ret_words, inputs, sizeof inputs);
    count += origin_words(p->origin, ret_words + count);
    if (p->assessment->failed)
        return count;
    if (!results_are_dangerous(p->results)) { /* else nothing was scored */
        memcpy(ret_words + count, scored, sizeof scored);
        count += sizeof scored / sizeof scored[0];
    }
    if (p->passthrough != NULL && gpu_was_clean(p->passthrough))
        ret_words[count++] = "passthrough-resets";
    if (p->admission->policy.repeat > 1)
        ret_words[count++] = "repeat";
    if (p->recheck != NULL)
        ret_words[count++] = "recheck";
    return count;
}

/* The guest's words that an evaluation of these checks rests on; ret_words has room for all of them. */
static size_t list_guest_words(const struct publication *p, const char *ret_words[GUEST_WORDS_MAX])
{
    bool clusters = false, tables = false, skips = false;
    size_t count = 0;

    if (p->made->plan.checks[0].id == PLAN_SCAN)
        ret_words[count++] = "scan";
    if (results_are_dangerous(p->results))
        return count;

    for (uint32_t i = 0; i < p->made->plan.check_count; i++) {
        const struct rows_table *unused;

        if (p->results->checks[i].skipped[0] != '\0') {
            skips = true;
            continue;
        }
        clusters |= p->made->plan.checks[i].id == PLAN_ACTIVATION_CLUSTERING;
        tables |= rows_tables(p->made->plan.checks[i].id, &unused) > 0;
    }
    ret_words[count++] = "predictions";
    if (clusters)
        ret_words[count++] = "clusters";
    if (tables)
        ret_words[count++] = "tables";
    if (skips)
        ret_words[count++] = "skips";
    return count;
}

int publish_encode_statement(struct gathering *g, struct buffer *ret_bytes)
{
    const struct publication *p = g->publication;
    const struct assessment *assessment = p->assessment;
    struct statement_resource subject = {.name = p->admission->model_name};
    struct statement_check_entry checks[VERDICT_CHECKS_MAX];
    const char *reasons[JOB_REASONS_MAX], *guest_said[GUEST_WORDS_MAX], *host_verified[HOST_WORDS_MAX];
    struct statement_provenance provenance;
    struct statement_input input = {
        .subjects = &subject,
        .subject_count = 1,
        .configuration = g->configuration,
        .configuration_count = g->configuration_count,
        .documents = g->documents,
        .document_count = g->document_count,
        .outcome = assessment->outcome,
        .tier = policy_tier_names[p->admission->policy.tier],
        .reasons = reasons,
        .reason_count = assessment->reason_count,
        .checks = checks,
        .check_count = assessment->failed ? 0 : assessment->verdict.check_count,
        .host_verified = host_verified,
        .host_verified_count = list_host_words(p, host_verified),
        .guest_said = guest_said,
        .guest_said_count = assessment->failed ? 0 : list_guest_words(p, guest_said),
        .job = p->job_id,
        .order = p->options->order,
        .ledger = p->ledger != NULL ? &p->ledger->announced : NULL,
        .provenance = publish_provenance(g, &provenance) ? &provenance : NULL,
        .source = p->origin != NULL ? p->origin->source : NULL,
        .finished_at = g->finished_at,
    };

    memcpy(subject.sha256, p->admission->model_sha256, SHA256_SIZE);
    for (unsigned i = 0; i < assessment->reason_count; i++)
        reasons[i] = assessment->reasons[i];
    for (size_t i = 0; i < input.check_count; i++)
        checks[i] = (struct statement_check_entry){.id = assessment->verdict.checks[i].id,
                                                   .status = assessment->verdict.checks[i].status,
                                                   .provenance = assessment->verdict.checks[i].provenance};
    if (p->record != NULL) {
        input.isolation = p->record->isolation == VM_PROCESS ? STATEMENT_PROCESS : STATEMENT_MICROVM;
        if (p->record->isolation == VM_MICROVM)
            input.acceleration = p->record->acceleration == VM_ACCEL_KVM ? STATEMENT_KVM : STATEMENT_TCG;
    }
    return statement_encode(&input, ret_bytes, g->err);
}

/* Asks for the timestamp. Without one the result is still what it is, so trouble is only noted. */
static void stamp(const struct publication *p, struct bundle *bundle)
{
    struct error trouble = {0};

    if (p->tsa == NULL)
        return;
    bundle->timestamps[0] = buffer_with_limit(BUNDLE_TIMESTAMP_MAX);
    if (tsa_stamp(p->tsa, bundle->signature, bundle->signature_size, &bundle->timestamps[0], &p->stamp->timestamp,
                  &trouble) == 0) {
        bundle->timestamp_count = 1;
        p->stamp->stamped = true;
    } else
        (void)snprintf(p->stamp->trouble, sizeof p->stamp->trouble, "%s", trouble.text);
}

int publish_statement(struct gathering *g, struct signer *signer)
{
    CLEANUP_BUNDLE struct bundle bundle = {.payload = buffer_with_limit(STATEMENT_SIZE_MAX)};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    int r = publish_encode_statement(g, &bundle.payload);

    if (r == 0)
        r = signer_sign(signer, bundle.payload.data, bundle.payload.size, bundle.signature, &bundle.signature_size,
                        io_deadline_ms(JOB_DEADLINE_SIGN_MS), g->err);
    if (r == 0)
        r = crypto_public_key_fingerprint(signer_public_key(signer), bundle.fingerprint, g->err);
    if (r < 0)
        return r;
    stamp(g->publication, &bundle);
    /* The ledger last: the less lies between a logged result and its commit, the rarer is a logged one that is lost. */
    if (g->publication->ledger != NULL)
        r = job_ledger_record(g->publication->ledger, &bundle, signer_public_key(signer), g->err);
    if (r < 0)
        return r;
    r = bundle_encode(&bundle, &text);
    if (r < 0)
        return error_set(g->err, ERROR_INTERNAL, r, "the bundle can't be written: %s", strerror(-r));
    return staging_write(g->staging, "result.sigstore.json", text.data, text.size, g->err);
}
