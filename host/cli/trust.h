/* SPDX-License-Identifier: Apache-2.0 */
/* What a user trusts besides keys of people: a ledger's key, timestamp authorities, his own knowledge of the time. */
#ifndef LAZARET_HOST_CLI_TRUST_H
#define LAZARET_HOST_CLI_TRUST_H

#include "host/cli/options.h"
#include "host/ledger/checkpoint.h"
#include "host/verify/verify.h"

/* The command line, and what a request borrows from it. */
struct cli_trust {
    const char *authorities_path, *time_text, *ledger_keys_text;
    struct note_key ledger_keys[CHECKPOINT_KEYS_MAX];
    size_t ledger_key_count;
    int64_t time; /* seconds since 1970; where time_text is not NULL */
};

#define CLI_TRUST_OPTIONS(t)                                                                                           \
    CLI_OPTION_TEXT("tsa-ca", "CA.pem", "certificates of the timestamp authorities that you trust",                    \
                    &(t).authorities_path),                                                                            \
        CLI_OPTION_TEXT("at", "TIME", "you know that the result was there at this time: 2026-01-31[T23:59:59Z]",       \
                        &(t).time_text),                                                                               \
        CLI_OPTION_TEXT("ledger-key", "VKEY", "the ledger's verifier keys, or files of them, commas between them",     \
                        &(t).ledger_keys_text)

/* Reads what the options' texts mean. ERROR_USAGE, ERROR_BAD_INPUT, ERROR_NO_INPUT. */
MUST_USE int cli_trust_complete(struct cli_trust *trust, struct error *err);

/* Puts it into a request, which borrows it. */
void cli_trust_lend(const struct cli_trust *trust, struct verify_request *request);

#endif
