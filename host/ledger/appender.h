/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The appender: a confined process that alone holds the ledger's private key, and of the file system only the ledger's
 * folder.
 *
 * For a job it appends one intent and then one signed result (ledger/leaf.h), and nothing else: whoever takes over the
 * monitor while it talks with a hostile guest can log a false result of the job that was announced, but can neither
 * sign another checkpoint nor fill the log. For a farm, whose controller talks with no guest, it appends signed results
 * that others have made, each once, and nothing else.
 */
#ifndef LAZARET_HOST_LEDGER_APPENDER_H
#define LAZARET_HOST_LEDGER_APPENDER_H

#include "host/ledger/ledger.h"

struct appender;

/*
 * Forks the appender, which opens the ledger with its private keys before it gives up everything else; the caller's
 * memory never holds them. `key_paths` is a path, or several with commas between, all of which sign; NULL is DIR.pem.
 * Call before the process has threads. ERROR_UNAVAILABLE where the ledger does not hold, else errors are those of
 * ledger_open() and confine_self().
 */
MUST_USE int appender_start(const char *path, const char *key_paths, struct appender **ret_appender, struct error *err);

/* The same for a farm: appender_append_once() instead of appender_append(). */
MUST_USE int appender_start_for_farm(const char *path, const char *key_paths, struct appender **ret_appender,
                                     struct error *err);

/* The verifier key of the ledger's entries, whose name is the ledger's origin; borrowed. */
const struct note_key *appender_key(const struct appender *appender);

/*
 * Appends a leaf and makes it durable; the receipt is checked here, too. ledger_receipt_free() it. ERROR_UNAVAILABLE
 * where the ledger can't be appended to; ERROR_BAD_INPUT, -EBADMSG for another leaf than the one whose turn it is;
 * ERROR_INTERNAL where the appender does not answer. Whether the leaf is in the ledger is then not known.
 */
MUST_USE int appender_append(struct appender *appender, const void *leaf, size_t size,
                             struct ledger_receipt *ret_receipt, uint64_t deadline_ns, struct error *err);

/* A signed result of a farm, by ledger_append_once(); may be repeated as often as one likes. Errors as above. */
MUST_USE int appender_append_once(struct appender *appender, const void *leaf, size_t size, uint64_t since,
                                  struct ledger_receipt *ret_receipt, uint64_t deadline_ns, struct error *err);

/* Ends the process and waits for it; NULL is fine. */
void appender_free(struct appender *appender);

static inline void appender_drop(struct appender **appender)
{
    appender_free(*appender);
}

#define CLEANUP_APPENDER CLEANUP(appender_drop)

#endif
