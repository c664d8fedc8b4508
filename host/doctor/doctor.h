/* SPDX-License-Identifier: Apache-2.0 */
/* What an evaluation needs of this machine, looked at one by one. */
#ifndef LAZARET_HOST_VM_DIAGNOSIS_H
#define LAZARET_HOST_VM_DIAGNOSIS_H

#include "base/error.h"

#include <stdbool.h>

#define DIAGNOSIS_COUNT    9u
#define DIAGNOSIS_TEXT_MAX 512u

enum diagnosis_state {
    DIAGNOSIS_OK,
    DIAGNOSIS_NOTE,    /* works, but less well or otherwise than it could */
    DIAGNOSIS_MISSING, /* a microVM evaluation can't run */
};

struct diagnosis {
    const char *name;
    enum diagnosis_state state;
    char finding[DIAGNOSIS_TEXT_MAX];
    char remedy[DIAGNOSIS_TEXT_MAX]; /* "" where nothing is to be done */
};

/* Takes at most VM_DEADLINE_PROBE_MS and the time to hash the image; false when one is missing. */
bool diagnosis_run(struct diagnosis ret_findings[DIAGNOSIS_COUNT]);

#endif
