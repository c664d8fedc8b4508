/* SPDX-License-Identifier: Apache-2.0 */
/* Between the monitor's side of the appender and its process; the messages are those of host/confine/helper.h. */
#ifndef LAZARET_HOST_LEDGER_APPENDER_INTERNAL_H
#define LAZARET_HOST_LEDGER_APPENDER_INTERNAL_H

#include "host/confine/helper.h"
#include "host/ledger/ledger.h"

/* What the process works on. Only its own memory ever holds the ledger's handle with its keys. */
struct appender_state {
    const char *path, *key_paths;
    struct ledger *ledger;
    unsigned appended; /* leaves */
};

/* Greets with the ledger's verifier keys, a line each; a request is a leaf, the reply its proof file
 * (ledger/proof.h). */
extern const struct helper_service appender_service;

#endif
