/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens, as it happens: events.jsonl, and a line for people.
 *
 * On a terminal one line is rewritten in place with phase, percentage, rate and time left; elsewhere each phase has a
 * plain line when it ends. With `quiet` only the file is written. All text is printable ASCII by the time it comes
 * here.
 */
#ifndef LAZARET_HOST_JOB_EVENTS_H
#define LAZARET_HOST_JOB_EVENTS_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define EVENTS_PHASES_MAX 160u /* six runs of all checks */
#define EVENTS_NAME_MAX   64u
#define EVENTS_BYTES_MAX  ((uint64_t)8 << 20) /* of events.jsonl: beyond it progress is no longer written */

struct events_phase {
    char name[EVENTS_NAME_MAX];
    uint64_t wall_ns, cpu_ns; /* CPU of this process; a check's own CPU stands beside it in execution.json */
};

struct events {
    FILE *file; /* events.jsonl; owned; NULL: none */
    bool quiet, terminal;
    uint64_t start_ns, phase_start_ns, phase_cpu_ns, last_line_ns;
    uint64_t bytes;                                /* of the file */
    bool complete;                                 /* the phase under way has been told to be */
    bool line_open;                                /* the terminal's line has to be ended */
    bool lost;                                     /* after events_stop(): not all of it could be written */
    struct events_phase phases[EVENTS_PHASES_MAX]; /* those that have ended, then the one under way */
    unsigned phase_count;
    bool in_phase;
    const char *label; /* borrowed; begins the names of phases; NULL or "": none */
};

/* Starts the clock. `fd` becomes the events' own. */
void events_start(struct events *events, int fd, bool quiet);

/* Begins a phase, ending the one under way. Names are "boot", "check fgsm". */
void events_begin(struct events *events, const char *phase);

/* Phases that begin from now on are called "label: phase"; "" ends that. Ends the phase under way. */
void events_label(struct events *events, const char *label);

void events_end(struct events *events);

/* How far the phase has come; `unit` is what is counted: "images", "bytes". */
void events_progress(struct events *events, uint64_t done, uint64_t total, const char *unit);

/* One event with a text: {"event":name,"text":…,"wallSeconds":…}. */
void events_note(struct events *events, const char *name, const char *text);

/* Ends the phase and closes the file. */
void events_stop(struct events *events);

#endif
