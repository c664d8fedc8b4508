/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification of a signed result, offline: what was checked, what held, and what could not be checked.
 *
 * Nothing of a result is believed before the signature and the statement's schema hold. After that, the time is
 * established and the key judged at it; inputs and files are compared with the digests that the statement names; and
 * the verdict is worked out again, under the signer's policy and the auditor's.
 */
#ifndef LAZARET_HOST_VERIFY_H
#define LAZARET_HOST_VERIFY_H

#include "base/buffer.h"
#include "base/error.h"
#include "digest/sha256.h"
#include "host/attest/outcome.h"
#include "host/ledger/note.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERIFY_ITEMS_MAX   256u
#define VERIFY_WHAT_SIZE   72u
#define VERIFY_DETAIL_SIZE 768u
#define VERIFY_KEY_SIZE    64u                    /* of the signer's name in a key ring, with its NUL */
#define VERIFY_BUNDLE_NAME "result.sigstore.json" /* in an output directory */

enum verify_state {
    VERIFY_HOLDS,
    VERIFY_MISMATCH,
    VERIFY_MISSING,     /* a file that the statement names is not there */
    VERIFY_NOT_CHECKED, /* the detail says why, and what to give */
    VERIFY_DIFFERS,     /* the auditor's policy has another verdict: no fault of the evidence */
    VERIFY_STATE_COUNT
};

extern const char *const verify_state_names[VERIFY_STATE_COUNT + 1]; /* "holds", "mismatch", … */

/* The parts of the report, in its order. */
enum verify_section {
    VERIFY_SIGNATURE, /* form, signature, statement */
    VERIFY_RECORD,    /* time, ledger, and whether the key was valid then */
    VERIFY_INPUTS,    /* model, data and platform at hand */
    VERIFY_FILES,     /* of the output directory */
    VERIFY_VERDICT,
    VERIFY_REQUIRED, /* what was required and is not there at all */
    VERIFY_SECTION_COUNT
};

extern const char *const verify_section_names[VERIFY_SECTION_COUNT + 1]; /* "signature", "record", … */

/* All paths may be NULL but `path`, and one of key_path, keys_path and a policy that lists keys. */
struct verify_request {
    const char *path;        /* an output directory, or a bundle */
    const char *key_path;    /* the public key that must have signed */
    const char *keys_path;   /* a key ring: one of its result keys must have signed; or the dates of key_path's key */
    const char *policy_path; /* the auditor's own policy; its keys serve where keys_path is NULL */
    const char *model_path;  /* a file, or a folder of files; so below */
    const char *test_path, *train_path, *reference_path, *triggers_path, *spec_path, *signature_path;
    const char *checksums_path;
    const char *kernel_path, *initramfs_path, *agent_path, *disk_path;
    const struct note_key *ledger_keys; /* of the log's origin */
    size_t ledger_key_count;
    const struct note_key *witnesses;
    size_t witness_count;
    unsigned quorum;              /* cosignatures needed, where there are witnesses */
    const char *authorities_path; /* certificates of RFC 3161 authorities, PEM */
    bool has_time;
    int64_t time;         /* at which the auditor knows that the result existed; seconds since 1970 */
    bool only_result;     /* sign-offs, waivers and release beside the result are not looked at */
    const char *required; /* names of rows that must hold, commas between them; NULL: none */
};

struct verify_item {
    enum verify_section section;
    enum verify_state state;
    char what[VERIFY_WHAT_SIZE]; /* harmless text, as is the detail */
    char detail[VERIFY_DETAIL_SIZE];
};

/* By whose word the time is known at which the key is judged. */
enum verify_time_source {
    VERIFY_TIME_UNKNOWN, /* nothing is believed */
    VERIFY_TIME_CLAIMED, /* the signer's own */
    VERIFY_TIME_GIVEN,   /* the auditor's: request.time */
    VERIFY_TIME_PROVEN,  /* a timestamp's */
    VERIFY_TIME_SOURCE_COUNT
};

extern const char *const verify_time_source_names[VERIFY_TIME_SOURCE_COUNT + 1]; /* "unknown", "claimed", … */

struct verify_report {
    size_t item_count;
    struct verify_item items[VERIFY_ITEMS_MAX];
    bool believed;                    /* signature and statement hold: what follows is what was signed */
    enum outcome outcome;             /* signed */
    struct buffer statement;          /* the exact bytes signed */
    uint8_t fingerprint[SHA256_SIZE]; /* of the key that signed */
    char signer[VERIFY_KEY_SIZE];     /* its name in the key ring, or "" */
    enum verify_time_source time_source;
    int64_t time; /* the latest that the signature can be of */
    bool has_auditor_outcome;
    enum outcome auditor_outcome; /* under request.policy_path */
};

/*
 * Verifies. 0 when the report is complete, whatever it says: verify_exit_status() has the rest.
 * Errors: keys, bundle, policy or an input can't be read (ERROR_NO_INPUT) or is none (ERROR_BAD_INPUT); no key to
 * trust, or a requirement that there is not (ERROR_USAGE); no memory. A bundle that is there but malformed is no error
 * but a mismatch, as one changed bit may have made it so. On success verify_report_free() the result.
 */
MUST_USE int verify_run(const struct verify_request *request, struct verify_report **ret_report, struct error *err);

/* 0: all that was checked holds; 4: a mismatch; 66: a file that the statement names is missing. */
int verify_exit_status(const struct verify_report *report);

/* How a report for people looks. */
struct verify_style {
    bool symbols;   /* signs beyond ASCII may be used */
    unsigned width; /* columns after which details are wrapped; 0: never */
};

/* Appends a table for people, or one canonical JSON object and a newline. Errors as buffer_append. */
MUST_USE int verify_report_write_text(const struct verify_report *report, const struct verify_style *style,
                                      struct buffer *ret_text);
MUST_USE int verify_report_write_json(const struct verify_report *report, struct buffer *ret_text);

void verify_report_free(struct verify_report *report);

static inline void verify_report_drop(struct verify_report **report)
{
    verify_report_free(*report);
}

#define CLEANUP_VERIFY_REPORT CLEANUP(verify_report_drop)

#endif
