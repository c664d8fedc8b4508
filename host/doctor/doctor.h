/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an evaluation needs of this machine, and what weakens the walls around it, looked at one by one. Nothing is
 * changed.
 */
#ifndef LAZARET_HOST_DOCTOR_DOCTOR_H
#define LAZARET_HOST_DOCTOR_DOCTOR_H

#include "base/error.h"

#include <stdbool.h>

#define DOCTOR_FINDINGS_MAX 128u
#define DOCTOR_TEXT_MAX     512u

enum doctor_state {
    DOCTOR_OK,
    DOCTOR_NOTE,    /* works, but less well or less safely than it could */
    DOCTOR_MISSING, /* a microVM evaluation can't run */
};

struct doctor_finding {
    const char *name; /* of the concern; several findings may share it */
    enum doctor_state state;
    char finding[DOCTOR_TEXT_MAX];
    char remedy[DOCTOR_TEXT_MAX]; /* "" where nothing is to be done */
};

struct doctor_report {
    size_t count;
    struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
};

/* Takes at most VM_DEADLINE_PROBE_MS and the time to hash the image; false when something is missing. */
bool doctor_run(struct doctor_report *ret_report);

#endif
