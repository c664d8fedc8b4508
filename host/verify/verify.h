/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification of a signed result, offline: what was checked, what held, and what could not be checked.
 *
 * Nothing of a result is believed before the signature and the statement's schema hold; after that,
 * files are compared with the digests the statement names, and the verdict is worked out again.
 */
#ifndef LAZARET_HOST_VERIFY_H
#define LAZARET_HOST_VERIFY_H

#include "base/buffer.h"
#include "base/error.h"
#include "host/attest/outcome.h"

#include <stdbool.h>
#include <stddef.h>

#define VERIFY_ITEMS_MAX   48u
#define VERIFY_WHAT_SIZE   72u
#define VERIFY_DETAIL_SIZE 768u
#define VERIFY_BUNDLE_NAME "result.sigstore.json" /* in an output directory */

enum verify_state {
    VERIFY_HOLDS,
    VERIFY_MISMATCH,
    VERIFY_MISSING,     /* a file that the statement names is not there */
    VERIFY_NOT_CHECKED, /* the detail says why, and what to give */
    VERIFY_STATE_COUNT
};

extern const char *const verify_state_names[VERIFY_STATE_COUNT + 1]; /* "holds", "mismatch", … */

struct verify_request {
    const char *path;        /* an output directory, or a bundle */
    const char *key_path;    /* the public key that must have signed */
    const char *model_path;  /* NULL: the model is not compared */
    const char *policy_path; /* NULL: no verdict but the signer's policy's */
};

struct verify_item {
    enum verify_state state;
    char what[VERIFY_WHAT_SIZE]; /* harmless text, as is the detail */
    char detail[VERIFY_DETAIL_SIZE];
};

struct verify_report {
    size_t item_count;
    struct verify_item items[VERIFY_ITEMS_MAX];
    bool believed;           /* signature and statement hold: what follows is what was signed */
    enum outcome outcome;    /* signed */
    struct buffer statement; /* the exact bytes signed */
    bool has_auditor_outcome;
    enum outcome auditor_outcome; /* under request.policy_path */
};

/*
 * Verifies. 0 when the report is complete, whatever it says: verify_exit_status() has the rest.
 * Errors: the key, the bundle, the model or the auditor's policy can't be read (ERROR_NO_INPUT) or
 * is none (ERROR_BAD_INPUT); no memory. A bundle that is there but malformed is no error but a mismatch, as
 * one changed bit may have made it so. On success verify_report_free() the result.
 */
MUST_USE int verify_run(const struct verify_request *request, struct verify_report **ret_report, struct error *err);

/* 0: all that was checked holds; 4: a mismatch; 66: a file that the statement names is missing. */
int verify_exit_status(const struct verify_report *report);

/* Appends a table for people, or one canonical JSON object and a newline. Errors as buffer_append. */
MUST_USE int verify_report_write_text(const struct verify_report *report, struct buffer *ret_text);
MUST_USE int verify_report_write_json(const struct verify_report *report, struct buffer *ret_text);

void verify_report_free(struct verify_report *report);

static inline void verify_report_drop(struct verify_report **report)
{
    verify_report_free(*report);
}

#define CLEANUP_VERIFY_REPORT CLEANUP(verify_report_drop)

#endif
