/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a check's summary, for summary*.c alone: the first beside its status, the others under it. */
#ifndef LAZARET_HOST_CLI_SUMMARY_LINES_H
#define LAZARET_HOST_CLI_SUMMARY_LINES_H

#include <jansson.h>

#define SUMMARY_WORST_MAX 8u /* lines of one kind; a last one says how many more there are */

struct summary_lines {
    unsigned count; /* printed so far */
};

/* Prints one line. */
void summary_line(struct summary_lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A text of evaluation.json: "" where there is none, and never one that a terminal might obey. */
const char *summary_text(const json_t *object, const char *key);
const char *summary_string(const json_t *value);
long long summary_number(const json_t *object, const char *key);

/* The value of a decimal string; 0 where there is none. */
double summary_decimal(const json_t *object, const char *key);

/*
 * The elements of an array that `rank` gives a positive number, highest rank first and earlier first among equals: at
 * most SUMMARY_WORST_MAX into ret_worst. Returns how many there are in all.
 */
size_t summary_worst(const json_t *array, double (*rank)(const json_t *element),
                     const json_t *ret_worst[SUMMARY_WORST_MAX], size_t *ret_count);

/* Says that there are more than were shown. */
void summary_more(struct summary_lines *lines, size_t all, const char *what);

/* The checks that have figures. */
typedef void summary_print_check(struct summary_lines *lines, const json_t *check);
summary_print_check summary_scan, summary_accuracy, summary_attack, summary_robustness, summary_clustering,
    summary_spectrum, summary_trigger_scan, summary_neural_cleanse, summary_strip, summary_drift;

#endif
