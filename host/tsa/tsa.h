/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timestamps for results: asking an authority over HTTP (RFC 3161, 3.4), and judging its answer.
 *
 * Two helpers do it, neither of which has a key. The client has the network and reads no answer; the reader has nothing
 * but the answer, which is the one thing in it that others wrote. Both are forked before anything is evaluated, so that
 * what can be wrong with the URL or the certificates is found out then.
 */
#ifndef LAZARET_HOST_TSA_H
#define LAZARET_HOST_TSA_H

#include "host/crypto/timestamp.h"

struct tsa;

/*
 * Starts the helpers. `url` is http:// or https://, or NULL where answers come from elsewhere (tsa_check() alone works
 * then); `ca_path` are the authority's certificates, or NULL: its answers are held against themselves only. Call before
 * the process has threads. ERROR_USAGE for the URL, ERROR_UNAVAILABLE where libcurl is not here, and the errors of
 * crypto_timestamp_anchors_load().
 */
MUST_USE int tsa_start(const char *url, const char *ca_path, struct tsa **ret_tsa, struct error *err);

/*
 * Asks for a timestamp of a signature; the answer is appended, once it has been found to be one: by the rules of
 * crypto_timestamp_verify_by(), and with the nonce that was sent. ERROR_UNAVAILABLE where the authority does not
 * answer, ERROR_MISMATCH where its answer does not hold.
 */
MUST_USE int tsa_stamp(struct tsa *tsa, const void *signature, size_t signature_size, struct buffer *ret_response,
                       struct crypto_timestamp *ret_timestamp, struct error *err);

/* Judges an answer that came by another way. ERROR_MISMATCH where it does not hold. */
MUST_USE int tsa_check(struct tsa *tsa, const void *signature, size_t signature_size, const void *response, size_t size,
                       struct crypto_timestamp *ret_timestamp, struct error *err);

/* Ends the helpers; NULL is fine. */
void tsa_free(struct tsa *tsa);

static inline void tsa_drop(struct tsa **tsa)
{
    tsa_free(*tsa);
}

#define CLEANUP_TSA CLEANUP(tsa_drop)

#endif
