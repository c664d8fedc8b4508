/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret ledger audit --json */
#ifndef LAZARET_HOST_CLI_LEDGER_AUDIT_JSON_H
#define LAZARET_HOST_CLI_LEDGER_AUDIT_JSON_H

#include "host/ledger/audit.h"

/* Prints an audit as one line of canonical JSON (docs/ledger.md). `at_hand`: logged results at hand. */
MUST_USE int ledger_audit_print_json(const struct audit *audit, uint64_t at_hand, struct error *err);

#endif
