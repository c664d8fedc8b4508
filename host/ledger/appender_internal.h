/* SPDX-License-Identifier: Apache-2.0 */
/* Between the monitor's side of the appender and its process; the messages are those of host/confine/helper.h. */
#ifndef LAZARET_HOST_LEDGER_APPENDER_INTERNAL_H
#define LAZARET_HOST_LEDGER_APPENDER_INTERNAL_H

#include "host/confine/helper.h"
#include "host/ledger/ledger.h"

#include <stdbool.h>

/* What the process works on. Only its own memory ever holds the ledger's handle with its keys. */
struct appender_state {
    const char *path, *key_paths;
    struct ledger *ledger;
    bool is_farms;
    unsigned appended; /* leaves of a job */
};

#define APPENDER_SINCE_SIZE 8u /* bytes, little-endian, before a farm's leaf: ledger_append_once()'s `since` */

/* Greets with the ledger's verifier keys, a line each; a request is a leaf, the reply its proof file
 * (ledger/proof.h). */
extern const struct helper_service appender_service;

#endif
