/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting: which sign-offs and waivers beside a result count under a policy, and what is missing for a release.
 * docs/approval.md has the rules and, for each reason of a verdict, who may settle it.
 *
 * A reviewer counts once, by name and by key. What is signed, but not for this (another result, another policy, a
 * lower tier, expired, a key that is not the reviewer's or not valid) does not count, and a line says why. What is not
 * signed as it claims is broken, and nothing is released beside it.
 */
#ifndef LAZARET_HOST_APPROVE_REVIEW_H
#define LAZARET_HOST_APPROVE_REVIEW_H

#include "base/error.h"
#include "host/approve/document.h"
#include "host/approve/folder.h"
#include "host/policy/keyring.h"
#include "host/policy/policy.h"
#include "host/policy/verdict.h"

#include <stdbool.h>

#define REVIEW_NAMESPACE   "lazaret-approval" /* of SSH signatures */
#define REVIEW_DETAIL_SIZE 320u
#define REVIEW_LINES_MAX   (FOLDER_FILES_MAX + 2)
#define REVIEW_MISSING_MAX 32u

/* Clocks of reviewers may differ by so much: what is later is from a time that has not come. */
#define REVIEW_SKEW_SECONDS 900

enum review_state {
    REVIEW_COUNTS,
    REVIEW_IGNORED, /* signed, but it does not count */
    REVIEW_FOREIGN, /* signed, but about something else than this result under this policy */
    REVIEW_BROKEN,  /* malformed, or not the signature of what it stands beside */
    REVIEW_STATE_COUNT
};

extern const char *const review_state_names[REVIEW_STATE_COUNT + 1]; /* "counts", "does not count", … */

struct review_line {
    enum review_state state;
    struct document_support support; /* who, what, by which key: as far as it is known */
    bool is_waiver;
    int64_t valid_until; /* of one that counts */
    char detail[REVIEW_DETAIL_SIZE];
};

struct review {
    struct review_line lines[REVIEW_LINES_MAX]; /* a file each */
    unsigned line_count;
    unsigned counted; /* reviewers whose sign-off counts */
};

/* What is looked at. Nothing is owned. */
struct review_request {
    const char *directory;                /* the output directory */
    const struct document_target *target; /* the result in it, verified, and the policy */
    const struct policy *policy;          /* for a release */
    const struct keyring *ring;           /* the reviewers' keys: the policy's own, or one of its own */
    int64_t when;                         /* at which keys, sign-offs and waivers have to be valid */
};

/* Reads and judges every sign-off and waiver of the directory. Errors: the directory can't be read; no memory. */
MUST_USE int review_collect(const struct review_request *request, struct review *ret_review, struct error *err);

/*
 * Whether a sign-off or waiver is about this result under this policy, and valid: REVIEW_COUNTS, REVIEW_FOREIGN or
 * REVIEW_IGNORED, and why. Who signed it is another question.
 */
void review_judge_document(const struct document *document, const struct review_request *request,
                           enum review_state *ret_state, char ret_detail[REVIEW_DETAIL_SIZE]);

/* What a release still lacks, in words; nothing where it may be written. */
struct review_verdict {
    bool never; /* no sign-off or waiver can help */
    unsigned missing_count;
    char missing[REVIEW_MISSING_MAX][STATEMENT_REASON_MAX + REVIEW_DETAIL_SIZE];
};

/*
 * Whether the verdict under the policy may be released with these sign-offs and waivers. `own_policy`: the policy is
 * the one that the result was made under; else a sign-off has to name it.
 */
void review_settle(const struct review_request *request, const struct verdict *verdict, bool own_policy,
                   const struct review *review, struct review_verdict *ret_verdict);

/* The line of the waiver that counts for a check, or NULL. */
const struct review_line *review_find_waiver(const struct review *review, const char *check);

/* Whether anything is broken. */
bool review_is_broken(const struct review *review);

#endif
