/* SPDX-License-Identifier: Apache-2.0 */
/* A signed bundle in the ledger: the leaf that it makes, and the entry that it then holds. */
#ifndef LAZARET_HOST_LEDGER_BUNDLE_ENTRY_H
#define LAZARET_HOST_LEDGER_BUNDLE_ENTRY_H

#include "host/attest/bundle.h"
#include "host/ledger/ledger.h"

/* Appends the leaf of this bundle's envelope and the key that signed it; errors as ledger_leaf_dsse(). */
MUST_USE int ledger_leaf_of_bundle(const struct bundle *bundle, const struct crypto_public_key *key,
                                   struct buffer *ret_leaf, struct error *err);

/* Makes the leaf's entry the bundle's only one; `log` is the ledger's key. Errors as ledger_entry_for_bundle(). */
MUST_USE int ledger_entry_put(struct bundle *bundle, const struct ledger_receipt *receipt, const struct note_key *log,
                              const struct buffer *leaf, struct error *err);

#endif
