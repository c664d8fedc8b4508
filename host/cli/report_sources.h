/* SPDX-License-Identifier: Apache-2.0 */
/* What a report is written from, read from an output directory: nothing but the bytes that its statement names. */
#ifndef LAZARET_HOST_CLI_REPORT_SOURCES_H
#define LAZARET_HOST_CLI_REPORT_SOURCES_H

#include "host/report/page.h"
#include "host/verify/verify.h"

struct report_sources {
    json_t *statement, *evaluation, *execution, *plan, *forensics; /* owned; NULL: not there */
    struct policy *policy;                                         /* owned */
    char fingerprint[SHA256_HEX_SIZE];
    struct buffer console;
    struct page_points points[PAGE_SCATTERS_MAX]; /* with what they point at, owned */
    size_t point_classes;
    bool has_pictures;
    struct page_pictures pictures; /* pixels owned */
};

/*
 * Reads the directory. `verified`: the signature holds (verify_run), and arrays are read too; without it arrays are
 * left alone, as anyone may have made them. A file that is not the one that the statement names is ERROR_MISMATCH, one
 * that is not there is left out.
 */
MUST_USE int report_sources_read(const char *directory, bool verified, struct report_sources *ret_sources,
                                 struct error *err);
void report_sources_free(struct report_sources *sources);
#define CLEANUP_REPORT_SOURCES CLEANUP(report_sources_free)

#endif
