/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of timestamps share. */
#ifndef LAZARET_HOST_CRYPTO_TIMESTAMP_INTERNAL_H
#define LAZARET_HOST_CRYPTO_TIMESTAMP_INTERNAL_H

#include "base/error.h"

#include <openssl/ts.h>

/* Sets an ERROR_MISMATCH, -EBADMSG that names OpenSSL's own reason, and empties its error queue. */
MUST_USE int crypto_timestamp_refuse(struct error *err, const char *what);

/* Decodes a response that ends where the bytes end. ERROR_MISMATCH, -EBADMSG. */
MUST_USE int crypto_timestamp_decode(const void *response, size_t size, TS_RESP **ret_decoded, struct error *err);

/* That there is a timestamp in it; else the authority's refusal in its own words. ERROR_MISMATCH, -EBADMSG. */
MUST_USE int crypto_timestamp_check_granted(TS_RESP *decoded, struct error *err);

static inline void crypto_ts_resp_drop(TS_RESP **response)
{
    TS_RESP_free(*response);
}

static inline void crypto_ts_req_drop(TS_REQ **request)
{
    TS_REQ_free(*request);
}

#define CLEANUP_TS_RESP CLEANUP(crypto_ts_resp_drop)
#define CLEANUP_TS_REQ  CLEANUP(crypto_ts_req_drop)

#endif
