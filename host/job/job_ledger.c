/* SPDX-License-Identifier: Apache-2.0 */
/* A job's two leaves. */
#include "host/job/job_ledger.h"

#include "base/io.h"
#include "host/job/deadlines.h"
#include "host/ledger/bundle_entry.h"
#include "host/ledger/leaf.h"

#include <errno.h>
#include <string.h>

int job_ledger_start(struct job_ledger *ledger, const struct job_options *options, struct error *err)
{
    if (options->ledger_path == NULL)
        return 0;
    return appender_start(options->ledger_path, options->ledger_key_path, &ledger->appender, err);
}

static int append(struct job_ledger *ledger, const char *step, const struct buffer *leaf,
                  struct ledger_receipt *ret_receipt, struct error *err)
{
    int r = journal_step(ledger->journal, step, "", err);

    return r < 0 ? r
                 : appender_append(ledger->appender, leaf->data, leaf->size, ret_receipt,
                                   io_deadline_ms(JOB_DEADLINE_APPEND_MS), err);
}

int job_ledger_announce(struct job_ledger *ledger, const struct admission *admission, struct journal *journal,
                        struct error *err)
{
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    struct leaf_intent intent;
    int r;

    if (ledger->appender == NULL)
        return !admission->policy.ledger_required
                   ? 0
                   : error_set(err, ERROR_USAGE, -EINVAL,
                               "the policy requires a ledger; give one with --ledger ('lazaret ledger init' makes it)");
    ledger->journal = journal;
    intent.job = journal_id(journal);
    memcpy(intent.model, admission->model_sha256, SHA256_SIZE);
    memcpy(intent.data, admission->description->data_sha256, SHA256_SIZE);
    memcpy(intent.policy, admission->policy.sha256, SHA256_SIZE);
    r = ledger_leaf_intent(&intent, &leaf, err);
    if (r == 0)
        r = append(ledger, "announce", &leaf, &receipt, err);
    if (r < 0)
        return r;
    ledger->announced.origin = appender_key(ledger->appender)->name;
    ledger->announced.intent = receipt.index;
    memcpy(ledger->announced.root, receipt.checkpoint.root, SHA256_SIZE);
    return 0;
}

int job_ledger_record(struct job_ledger *ledger, struct bundle *bundle, const struct crypto_public_key *key,
                      struct error *err)
{
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    int r = ledger_leaf_of_bundle(bundle, key, &leaf, err);

    if (r == 0)
        r = append(ledger, "append", &leaf, &receipt, err);
    if (r == 0)
        r = ledger_entry_put(bundle, &receipt, appender_key(ledger->appender), &leaf, err);
    if (r == 0)
        ledger->result = receipt.index;
    return r;
}

void job_ledger_stop(struct job_ledger *ledger)
{
    appender_free(ledger->appender);
    ledger->appender = NULL;
}
