/* SPDX-License-Identifier: Apache-2.0 */
/* What a signed result records, verified, as a replay needs it. */
#ifndef LAZARET_HOST_REPLAY_RECORD_H
#define LAZARET_HOST_REPLAY_RECORD_H

#include "base/buffer.h"
#include "base/error.h"
#include "digest/sha256.h"
#include "host/attest/outcome.h"
#include "host/attest/statement.h"
#include "host/verify/verify.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

#define REPLAY_DOCUMENT_MAX ((size_t)4 << 20) /* plan.json, execution.json */
#define REPLAY_TEXT_SIZE    65u

/* A part of the platform that the statement names. */
struct replay_part {
    bool named;
    uint8_t sha256[SHA256_SIZE];
};

struct replay_record {
    const char *directory; /* borrowed */
    char policy_path[PATH_MAX], spec_path[PATH_MAX], evaluation_path[PATH_MAX], plan_path[PATH_MAX];
    struct buffer evaluation; /* evaluation.json as signed */
    json_t *plan;             /* plan.json as signed */
    enum outcome outcome;     /* as signed */
    bool has_spec, has_train, has_reference, has_triggers;
    struct replay_part agent, kernel, initramfs, disk;
    enum statement_isolation isolation;
    enum statement_acceleration acceleration;
    char producer[REPLAY_TEXT_SIZE]; /* "lazaret 0.1.0"; printable */
};

/*
 * Verifies the result as `request` says, with the inputs at hand, and reads it. Nothing of it is believed before.
 * ERROR_MISMATCH where it does not hold, or where an input is another one; ERROR_USAGE where an input is missing or too
 * many; ERROR_BAD_INPUT where there is no evaluation to replay. *ret_record is some 20 KiB; replay_record_free() it.
 */
MUST_USE int replay_record_open(const struct verify_request *inputs, struct replay_record **ret_record,
                                struct error *err);
void replay_record_free(struct replay_record *record);

static inline void replay_record_drop(struct replay_record **record)
{
    replay_record_free(*record);
}
#define CLEANUP_REPLAY_RECORD CLEANUP(replay_record_drop)

#endif
