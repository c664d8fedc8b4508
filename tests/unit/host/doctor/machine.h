/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that is files in a folder. */
#ifndef LAZARET_TESTS_DOCTOR_MACHINE_H
#define LAZARET_TESTS_DOCTOR_MACHINE_H

#include "host/doctor/internal.h"

struct machine {
    char root[64];
    struct doctor_report report;
    struct doctor doctor;
};

/* An empty one in a folder of its own; a test program has one at a time. */
void machine_begin(struct machine *machine);
void machine_end(struct machine *machine);

/* A file with its folders, its text ended by a newline; a second one replaces the first. */
void machine_put(const struct machine *machine, const char *path, const char *text);
void machine_link(const struct machine *machine, const char *path, const char *target);
void machine_remove(const struct machine *machine, const char *path);

/* Runs one check on a fresh report. */
void machine_check(struct machine *machine, void (*check)(struct doctor *d));

/* The first finding of this name whose text holds `part`, or NULL. */
const struct doctor_finding *machine_find(const struct machine *machine, const char *name, const char *part);

#endif
