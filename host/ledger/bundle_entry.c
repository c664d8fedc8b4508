/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles and the ledger. */
#include "host/ledger/bundle_entry.h"

#include "host/json/reader.h"
#include "host/ledger/entry.h"
#include "host/ledger/leaf.h"

#include <errno.h>

int ledger_leaf_of_bundle(const struct bundle *bundle, const struct crypto_public_key *key, struct buffer *ret_leaf,
                          struct error *err)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(CRYPTO_PEM_MAX);
    CLEANUP_JSON json_t *envelope = bundle_new_envelope(bundle);
    int r = envelope != NULL ? 0 : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a ledger's leaf");

    if (r == 0)
        r = crypto_public_key_write_pem(key, &pem, err);
    return r < 0 ? r : ledger_leaf_dsse(envelope, pem.data, pem.size, ret_leaf, err);
}

int ledger_entry_put(struct bundle *bundle, const struct ledger_receipt *receipt, const struct note_key *log,
                     const struct buffer *leaf, struct error *err)
{
    json_t *entry, *entries;
    int r = ledger_entry_for_bundle(receipt, log, leaf->data, leaf->size, 0, &entry, err);

    if (r < 0)
        return r;
    entries = json_pack("[o]", entry);
    if (entries == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the ledger's entry");
    json_decref(bundle->tlog_entries);
    bundle->tlog_entries = entries;
    return 0;
}
