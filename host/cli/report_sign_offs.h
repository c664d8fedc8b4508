/* SPDX-License-Identifier: Apache-2.0 */
/* Who has signed off beside a result, and what a release still lacks: as `lazaret release` would count now. */
#ifndef LAZARET_HOST_CLI_REPORT_SIGN_OFFS_H
#define LAZARET_HOST_CLI_REPORT_SIGN_OFFS_H

#include "host/approve/release.h"
#include "host/report/page.h"
#include "host/verify/verify.h"

struct report_line {
    char who[2 * DOCUMENT_NAME_SIZE], when[32], fingerprint[SHA256_HEX_SIZE];
};

struct report_sign_offs { /* large: on the heap */
    struct review review;
    struct review_verdict settled;
    struct release_report release;
    struct report_line texts[REVIEW_LINES_MAX];
    char release_until[32];
    struct page_sign_off lines[REVIEW_LINES_MAX + 1]; /* and the release, where there is one */
    const char *lacking[REVIEW_MISSING_MAX];
    unsigned line_count, lacking_count;
};

/*
 * Counts under `policy`, whose keys are the reviewers'. `verified`: what verify_run() found of the directory. A release
 * must be signed by one of the policy's result keys; or by the key in `key_path`, where that is none of them. The
 * caller frees *ret_sign_offs. Errors as review_collect, release_verify and crypto_public_key_load.
 */
MUST_USE int report_sign_offs_read(const char *directory, const struct verify_report *verified,
                                   const struct policy *policy, const char *key_path,
                                   struct report_sign_offs **ret_sign_offs, struct error *err);

#endif
