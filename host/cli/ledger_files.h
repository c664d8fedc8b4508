/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands of lazaret ledger read and print. */
#ifndef LAZARET_HOST_CLI_LEDGER_FILES_H
#define LAZARET_HOST_CLI_LEDGER_FILES_H

#include "host/ledger/verify.h"

#include <limits.h>

/* The private key's path: as given, or the ledger's usual one. ERROR_USAGE. */
MUST_USE int ledger_files_key_path(const char *ledger, const char *given, char ret_path[PATH_MAX], struct error *err);

/* Verifier keys from an option's text: keys or files of keys, commas between them. */
MUST_USE int ledger_files_read_keys(const char *text, struct note_key ret_keys[CHECKPOINT_KEYS_MAX], size_t *ret_count,
                                    struct error *err);

/* An older checkpoint's file, its signature checked; who cosigned it does not matter. */
MUST_USE int ledger_files_read_checkpoint(const char *path, const struct ledger_trust *trust,
                                          struct checkpoint *ret_checkpoint, struct error *err);

/* A witness's private key, made where absent, and its verifier key. */
MUST_USE int ledger_files_load_witness(const char *path, const char *name, struct crypto_ed25519 **ret_secret,
                                       struct note_key *ret_key, struct error *err);

/* Prints a key, the keys of a ledger, or text made harmless for a terminal. */
MUST_USE int ledger_files_print_key(const struct note_key *key, struct error *err);
MUST_USE int ledger_files_print_keys(const char *ledger, struct error *err);
MUST_USE int ledger_files_print_text(const struct buffer *text, struct error *err);

/* lazaret ledger audit (ledger_audit.c). */
int cli_ledger_audit(int argc, char **argv);

/* Writes to a file, whole or not at all, or to standard output where `path` is NULL. */
MUST_USE int ledger_files_deliver(const char *path, const struct buffer *text, struct error *err);

#endif
