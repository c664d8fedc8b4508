/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the controller and the confined process that reads model signatures: a stream socket; host/provenance only.
 *
 * The process begins with one reply; then each request has one reply. Integers are little-endian.
 *   request: u32 operation, u32 size, `size` bytes
 *   reply:   u32 error kind (ERROR_NONE: done), u32 errno, u32 size, `size` bytes: the answer, or the error's printable
 * text A "string" is u32 size and its bytes.
 *
 *   OPEN       u64 now; u32 count, {string name, string text} of trusted keys, PEM or SSH lines; string of authorities
 * in PEM; u32 count, {string} of identities; the rest: the signature file → u8 method, legacy, single, hash; u64 shard
 * size; u32 key's index; u32 identity's index; u32 resources; SHA-256 of key, certificate, authority, model NAMES u32
 * the model's index; u32 count, {u8 kind, u64 size, string path} of files, in order → u8 for each: 1 where it is named
 *   DIGESTS    the digests of the parts of each named file, in order → nothing
 *   CHECKSUMS  SHA-256; string name; the rest: the list → nothing
 */
#ifndef LAZARET_HOST_PROVENANCE_PROTOCOL_H
#define LAZARET_HOST_PROVENANCE_PROTOCOL_H

#include "host/provenance/signature.h"

enum protocol_operation {
    PROTOCOL_OPEN = 1,
    PROTOCOL_NAMES,
    PROTOCOL_DIGESTS,
    PROTOCOL_CHECKSUMS,
};

#define PROTOCOL_FILES_MAX    262144u /* at hand */
#define PROTOCOL_REQUEST_MAX  ((size_t)64 * 1024 * 1024)
#define PROTOCOL_REPLY_HEADER 12u
#define PROTOCOL_REPLY_MAX    PROTOCOL_FILES_MAX
#define PROTOCOL_OPENED_SIZE  (4 + 8 + 3 * 4 + 4 * SHA256_SIZE)
#define PROTOCOL_TEXT_MAX     600u /* bytes of an error's text */

/* The process: never returns. */
_Noreturn void protocol_serve(int socket);

/* One request's answer, as the process gives it; also what the fuzz target calls. State is kept between calls. */
struct protocol_state;
MUST_USE int protocol_state_new(struct protocol_state **ret_state);
MUST_USE int protocol_answer(struct protocol_state *state, uint32_t operation, const void *request, size_t size,
                             struct buffer *ret_answer, struct error *err);
void protocol_state_free(struct protocol_state *state);

#endif
