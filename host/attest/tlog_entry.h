/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of an element of a Sigstore bundle's `tlogEntries` (sigstore_rekor.proto, TransparencyLogEntry, as JSON).
 *
 * {"logIndex","logId":{"keyId"},"kindVersion":{"kind","version"},"integratedTime"?,
 *  "inclusionProof":{"logIndex","rootHash","treeSize","hashes":[],"checkpoint":{"envelope"}},"canonicalizedBody"}
 * 64-bit numbers are decimal strings, bytes are base64, as protobuf's JSON has them. What it proves is for
 * ledger/entry.h, by the log's key.
 */
#ifndef LAZARET_HOST_ATTEST_TLOG_ENTRY_H
#define LAZARET_HOST_ATTEST_TLOG_ENTRY_H

#include "base/error.h"

#include <jansson.h>

#define TLOG_ENTRY_TEXT_MAX   ((size_t)128 * 1024) /* of one string: a leaf of 64 KiB in base64 */
#define TLOG_ENTRY_HASHES_MAX 64u

/* An entry of exactly that form, all of it strings of limited length. ERROR_BAD_INPUT, -EBADMSG. */
MUST_USE int tlog_entry_check_form(const json_t *entry, struct error *err);

#endif
