/* SPDX-License-Identifier: Apache-2.0 */
/* The documents that people and CI systems read, and the arrays that they are drawn from. */
#ifndef LAZARET_HOST_JOB_PUBLISH_REPORT_H
#define LAZARET_HOST_JOB_PUBLISH_REPORT_H

#include "host/job/publish.h"

#include <jansson.h>

/* What report.html and junit.xml are written from, besides the publication; all borrowed. */
struct publish_report {
    const struct publication *publication;
    const json_t *statement; /* as it stands before these two join its documents */
    const json_t *plan, *execution;
    const char *fingerprint; /* of the key that will sign, in hexadecimal */
};

/* Appends the two documents' bytes. ERROR_INTERNAL or ERROR_UNAVAILABLE name the document. */
MUST_USE int publish_report_write(const struct publish_report *report, struct buffer *ret_html,
                                  struct buffer *ret_junit, struct error *err);

#endif
