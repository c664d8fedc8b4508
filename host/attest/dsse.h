/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DSSE's pre-authentication encoding: the bytes that are really signed.
 * Source: DSSE 1.0.2, protocol.md, "Signature Definition".
 */
#ifndef LAZARET_HOST_ATTEST_DSSE_H
#define LAZARET_HOST_ATTEST_DSSE_H

#include "base/buffer.h"

#define DSSE_PAYLOAD_TYPE "application/vnd.in-toto+json"

/* Appends "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body; lengths are ASCII decimals of bytes. */
MUST_USE int dsse_encode_pae(const char *type, const void *body, size_t size, struct buffer *ret_bytes);

#endif
