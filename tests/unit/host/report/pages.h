/* SPDX-License-Identifier: Apache-2.0 */
/* Pages for tests: from tests/fixtures/report, as they are or with hostile strings in place of every text. */
#ifndef LAZARET_TESTS_REPORT_PAGES_H
#define LAZARET_TESTS_REPORT_PAGES_H

#include "host/report/page.h"

/* A page with what it is written from; freed by pages_free. The working directory is the source tree's root. */
struct pages {
    json_t *statement, *evaluation, *execution, *plan, *forensics;
    struct page page;
    struct page_points points;
    struct page_pictures pictures;
    struct page_verified verified;
    struct page_sign_off sign_off;
    const char *lacking;
};

/* Strings that try to leave where they are put, or to hide; None has a NUL, as JSON has none. */
#define PAGES_HOSTILE_COUNT 14u
extern const char *const pages_hostile[PAGES_HOSTILE_COUNT];

/* A console that tries the same, with NULs and broken UTF-8. */
extern const char pages_console[];
extern const size_t pages_console_size;

/* Everything that a page can show. Aborts where the fixtures can't be read. */
void pages_make(struct pages *ret_pages);

/* Puts hostile strings in the place of every text but ids, statuses and numbers, from the `first` one on. */
void pages_spoil(struct pages *pages, size_t first);

/* 300 classes: what is capped. */
void pages_widen(struct pages *pages);

/* No evaluation. */
void pages_fail(struct pages *pages);

void pages_free(struct pages *pages);

#endif
