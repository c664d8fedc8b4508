/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One scanned file's entry of a report: what the guest found, what the host saw for itself, and the verdict that
 * follows from both. docs/scan.md has the entry's fields.
 *
 * The guest's messages have been judged by the collector; the verdict is worked out anew all the same.
 */
#ifndef LAZARET_HOST_REPORT_FILE_REPORT_H
#define LAZARET_HOST_REPORT_FILE_REPORT_H

#include "base/error.h"
#include "wire/message.h"

#include <jansson.h>

/* What the host itself says of a file: docs/scan-rules has a section for each. */
enum host_rule {
    HOST_RULE_EMPTY,        /* nothing in it: allowed */
    HOST_RULE_LINK_OUTSIDE, /* the others leave the file unscanned */
    HOST_RULE_LINK_BROKEN,
    HOST_RULE_NOT_A_FILE,
    HOST_RULE_UNREADABLE,
    HOST_RULE_TOO_LARGE,
    HOST_RULE_TOO_MANY,
    HOST_RULE_FILE_CHANGED,
    HOST_RULE_SCAN_FAILED,
    HOST_RULE_COUNT
};

struct file_report {
    json_t *findings, *skipped;
    uint64_t counts[SCAN_SEVERITY_COUNT], listed[SCAN_SEVERITY_COUNT];
    bool gap, done;
    uint64_t looked;
    char format[SCAN_RULE_MAX];
};

/* An empty report. ERROR_UNAVAILABLE without memory; free it whatever is returned. */
MUST_USE int file_report_start(struct file_report *ret_report, struct error *err);
void file_report_free(struct file_report *report);

/*
 * Takes FINDING, COVERAGE and SCAN_DONE, and passes over others. ERROR_GUEST where SCAN_DONE's verdict is not the one
 * that follows.
 */
MUST_USE int file_report_take(struct file_report *report, const struct message *message, struct error *err);

/* Adds what the host saw; all rules but HOST_RULE_EMPTY leave a gap of `bytes`. The detail is made printable. */
MUST_USE int file_report_add(struct file_report *report, enum host_rule rule, uint64_t bytes, const char *detail,
                             struct error *err);

/* The verdict of what has been taken and added; unscanned where the scan came to no end and nothing is worse. */
enum scan_verdict file_report_verdict(const struct file_report *report);

/* {verdict, format, findings, coverage, omitted?}: a new reference, or NULL without memory. */
json_t *file_report_document(const struct file_report *report);

#define CLEANUP_FILE_REPORT CLEANUP(file_report_free)

#endif
