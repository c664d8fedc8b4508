/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.html: one page that a person reads. docs/report.md.
 *
 * One file, no script, nothing from elsewhere: styles and drawings are in it, and a content security policy forbids the
 * rest. Everything foreign goes through escape_html. The page that is signed can't hold its own digest or signature; it
 * is written from the statement as it stands before this page joins its documents. `lazaret report` writes it again
 * from a finished result, and then says what was verified.
 */
#ifndef LAZARET_HOST_REPORT_PAGE_H
#define LAZARET_HOST_REPORT_PAGE_H

#include "base/buffer.h"
#include "host/policy/policy.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE_MAX      ((size_t)32 << 20)
#define PAGE_NAME          "report.html"
#define PAGE_CONSOLE_BYTES ((size_t)8192) /* of the end of console.log that a page shows */
#define PAGE_SCATTERS_MAX  24u            /* classes whose points are drawn; suspicious ones first */

/* Training and test samples of one class in the first two components of its clustering. */
struct page_points {
    uint32_t label;
    size_t train_count, test_count; /* drawn */
    const float *train, *test;      /* x, y of each; finite */
    const int32_t *train_clusters;  /* 0 or 1 of each */
    const int32_t *test_clusters;
};

/* A sample of the test set, without and with the trigger that was found: H×W×channels, 0 to 255. */
struct page_pictures {
    uint32_t height, width, channels; /* 1 or 3 */
    const uint8_t *clean, *triggered;
};

/* One line of what `lazaret report` verified. */
struct page_verified {
    const char *state, *what, *detail;
};

/* Who looked at the result and said what of it. */
struct page_sign_off {
    const char *who, *valid_until, *decision, *note, *fingerprint; /* fingerprint: "" where there is none */
};

/* Nothing is owned. */
struct page {
    const json_t *statement;     /* checked (attest/statement.h) */
    const json_t *evaluation;    /* NULL: there is none */
    const json_t *execution;     /* NULL: not at hand */
    const json_t *plan;          /* NULL: not at hand */
    const json_t *forensics;     /* NULL: there is none */
    const struct policy *policy; /* NULL: not at hand */
    const char *fingerprint;     /* of the key that signs or has signed, in hexadecimal */
    const struct page_points *points;
    size_t point_classes;
    const struct page_pictures *pictures; /* NULL: none, or the policy shows no inputs */
    const char *console;                  /* the end of it; NULL: none */
    size_t console_size;
    bool rewritten; /* by `lazaret report`; `verified` says of what */
    const struct page_verified *verified;
    size_t verified_count;
    const struct page_sign_off *sign_offs;
    size_t sign_off_count;
    const char *const *lacking; /* what a release still lacks, in words */
    size_t lacking_count;
};

/* Up to `most` classes of a clustering's list, suspicious ones first; returns how many. */
size_t page_first_clusters(const json_t *classes, const json_t **ret_first, size_t most);

/* Appends the page. -EMSGSIZE beyond the buffer's limit, -ENOMEM. */
MUST_USE int page_write(const struct page *page, struct buffer *ret_html);

#endif
