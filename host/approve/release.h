/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The release: what says, signed, that a result may be relied on, as it, the policy and the sign-offs agree. It names
 * the sign-offs and waivers that it rests on by their files' digests, so that it can be worked out again.
 */
#ifndef LAZARET_HOST_APPROVE_RELEASE_H
#define LAZARET_HOST_APPROVE_RELEASE_H

#include "host/approve/result.h"
#include "host/approve/review.h"

/*
 * Appends the bytes of the release that settled sign-offs and waivers allow: it holds as long as all of them, or, where
 * there are none, as many days as the policy says. Errors of document_encode_release().
 */
MUST_USE int release_encode(const struct review_request *request, const struct verdict *verdict,
                            const struct review *review, struct buffer *ret_bytes, struct error *err);

enum release_state {
    RELEASE_ABSENT, /* no release.sigstore.json */
    RELEASE_HOLDS,
    RELEASE_EXPIRED,  /* signed, but not any more */
    RELEASE_MISMATCH, /* not signed by a trusted key, of something else, or what it rests on is not there as it says */
    RELEASE_STATE_COUNT
};

struct release_report {
    enum release_state state;
    char detail[STATEMENT_REASON_MAX + REVIEW_DETAIL_SIZE];
    bool has_document; /* signed by a trusted key and well-formed: `created` and `valid_until` are what it says */
    int64_t created, valid_until;
    struct review review; /* sign-offs and waivers, judged at the time of the release; now, where there is none */
};

/*
 * Checks release.sigstore.json in the directory of a verified result against the sign-offs and waivers beside it, under
 * the policy and ring of the request; request->when is now. `key`: the one that must have signed it; NULL for any key
 * of the ring whose use is `result`. Errors: a file can't be read; no memory.
 */
MUST_USE int release_verify(const struct review_request *request, const struct approve_result *result,
                            const struct crypto_public_key *key, struct release_report *ret_report, struct error *err);

#endif
