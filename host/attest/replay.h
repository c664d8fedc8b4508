/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a replay reproduced an evaluation, and where it first differs if not. */
#ifndef LAZARET_HOST_ATTEST_REPLAY_H
#define LAZARET_HOST_ATTEST_REPLAY_H

#include "base/error.h"
#include "digest/sha256.h"

#include <stdbool.h>
#include <stddef.h>

#define REPLAY_EVALUATION_MAX ((size_t)64 * 1024 * 1024)
#define REPLAY_PATH_MAX       256u
#define REPLAY_VALUE_MAX      128u

struct replay_comparison {
    bool reproduced; /* the bytes are equal; the rest is set only where not */
    /*
     * The first differing place, "checks[fgsm].curves[0].points[2].correct" (checks by their id), and the values
     * there, cut and escaped for a terminal; "(absent)" where one side has none. Where only bytes
     * differ, not content, `place` is "(spelling)"; where the outermost values do, "(document)".
     */
    char place[REPLAY_PATH_MAX];
    char recorded[REPLAY_VALUE_MAX];
    char replayed[REPLAY_VALUE_MAX];
};

/*
 * Compares two evaluation.json. ERROR_BAD_INPUT where bytes differ and one is no JSON;
 * a difference is no error. Order: object keys sorted, array elements by index.
 */
MUST_USE int replay_compare(const void *recorded, size_t recorded_size, const void *replayed, size_t replayed_size,
                            struct replay_comparison *ret_comparison, struct error *err);

#define REPLAY_CHECKS_MAX    32u
#define REPLAY_CHECK_ID_SIZE 64u

/* One check on both sides. */
struct replay_check {
    char id[REPLAY_CHECK_ID_SIZE]; /* fit for a terminal */
    bool recorded, replayed;       /* there is such a check on this side, with this digest of its canonical JSON */
    uint8_t recorded_sha256[SHA256_SIZE], replayed_sha256[SHA256_SIZE];
    struct replay_comparison comparison; /* its place begins at the check: "curves[0].points[2].correct" */
};

/*
 * Compares the checks of two evaluation.json, each with the other's check of its id: first those of the record in
 * their order, then those that only the replay has. ERROR_BAD_INPUT where one is no evaluation, or has too many.
 */
MUST_USE int replay_compare_checks(const void *recorded, size_t recorded_size, const void *replayed,
                                   size_t replayed_size, struct replay_check ret_checks[REPLAY_CHECKS_MAX],
                                   size_t *ret_count, struct error *err);

#endif
