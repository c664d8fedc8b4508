/* SPDX-License-Identifier: Apache-2.0 */
/* A scan of bytes in memory by all formats, for tests: its verdict, and the rules and gaps it names. */
#ifndef LAZARET_TESTS_SCANNED_H
#define LAZARET_TESTS_SCANNED_H

#include "guest/scan/scan.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scanned {
    struct scan_summary summary;
    char rules[4096]; /* " id id id", in the order of findings, each once */
    char last[SCAN_DETAIL_MAX];
    uint64_t last_offset;
};

static inline int scanned_note(void *argument, const struct scan_finding *finding, struct error *err)
{
    struct scanned *scanned = argument;
    char word[80];
    size_t used = strlen(scanned->rules);

    (void)err;
    (void)snprintf(word, sizeof word, " %s", finding->rule->id);
    if (strstr(scanned->rules, word) == NULL)
        (void)snprintf(scanned->rules + used, sizeof scanned->rules - used, "%s", word);
    (void)snprintf(scanned->last, sizeof scanned->last, "%s", finding->detail);
    scanned->last_offset = finding->offset;
    return 0;
}

/* Scans a copy that ends where its memory ends, so that a sanitizer sees every byte read beyond. */
static inline void scanned_run(const void *bytes, size_t size, struct scanned *ret_scanned)
{
    const struct scan_sink sink = {.finding = scanned_note, .argument = ret_scanned};
    void *copy = malloc(size > 0 ? size : 1);
    struct source *source;

    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    if (size > 0)
        memcpy(copy, bytes, size);
    source = source_of_memory(copy, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(source);
    memset(ret_scanned, 0, sizeof *ret_scanned);
    CU_ASSERT_EQUAL_FATAL(scan_run(source, "test", &sink, &ret_scanned->summary, NULL), 0);
    source_free(source);
    free(copy);
}

/* Whether the scan has the verdict, and made a finding by the rule (NULL: by none at all). */
static inline bool scanned_is(const struct scanned *scanned, enum scan_verdict verdict, const char *rule)
{
    char word[80];
    bool same = scanned->summary.verdict == verdict;

    if (rule == NULL) {
        same = same && scanned->rules[0] == '\0';
    } else {
        (void)snprintf(word, sizeof word, " %s", rule);
        same = same && strstr(scanned->rules, word) != NULL;
    }
    if (!same)
        fprintf(stderr, "%s, format '%s', rules%s, last: %s\n", scan_verdict_name(scanned->summary.verdict),
                scanned->summary.format, scanned->rules, scanned->last);
    return same;
}

#endif
