/* SPDX-License-Identifier: Apache-2.0 */
/* The two helpers behind host/tsa/tsa.h. */
#ifndef LAZARET_HOST_TSA_INTERNAL_H
#define LAZARET_HOST_TSA_INTERNAL_H

#include "host/confine/helper.h"
#include "host/crypto/timestamp.h"

/* One exchange with an authority, from the first packet to the last. */
#define TSA_FETCH_MS UINT64_C(30000)

/*
 * The reader. A request is u32le sizes of signature, request (0: none) and response, then the three; the reply is the
 * time in u64le and the authority's name.
 */
struct tsa_reader_state {
    const char *ca_path; /* NULL: none */
    struct crypto_timestamp_anchors *anchors;
};

#define TSA_READER_REQUEST_MAX (12 + 256 + CRYPTO_TIMESTAMP_REQUEST_MAX + CRYPTO_TIMESTAMP_RESPONSE_MAX)

extern const struct helper_service tsa_reader_service;

/* The client. A request is a TimeStampReq, the reply the body of the answer. */
struct tsa_client_state {
    const char *url;
    struct tsa_client *client;
};

extern const struct helper_service tsa_client_service;

#endif
