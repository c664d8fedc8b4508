/* SPDX-License-Identifier: Apache-2.0 */
/* What a scan says of one file: findings, gaps, and the verdict that follows from them (scan/terms.h). */
#ifndef LAZARET_GUEST_SCAN_REPORT_H
#define LAZARET_GUEST_SCAN_REPORT_H

#include "base/error.h"
#include "guest/scan/limits.h"
#include "scan/terms.h"

#include <stdbool.h>
#include <stdint.h>

/* A kind of finding. Each format has a table of its own; docs/scan-rules.md has a section for each id. */
struct scan_rule {
    const char *id; /* "pickle-call": format, then what it is; lower case, digits and dashes */
    enum scan_severity severity;
    const char *effect; /* what it would do, one sentence */
};

/* All texts are printable ASCII, escaped; they live as long as the call. */
struct scan_finding {
    const struct scan_rule *rule;
    uint64_t offset;    /* in the member */
    const char *member; /* "" for the file itself, else its path: "archive/data.pkl", "a.zip!b.pkl" */
    const char *detail;
    uint32_t context_count;
    uint64_t context_offsets[SCAN_CONTEXT_MAX];
    char context[SCAN_CONTEXT_MAX][SCAN_CONTEXT_LINE]; /* disassembled lines around it */
};

/* Bytes of one reason to skip them, of the whole file; the first place and its detail stand for all. */
struct scan_gap {
    enum scan_skip reason;
    uint64_t bytes, places;
    uint64_t offset; /* of the first */
    char member[SCAN_NAME_MAX], detail[SCAN_DETAIL_MAX];
};

/* Where findings go as they are made; an error ends the scan. */
struct scan_sink {
    int (*finding)(void *argument, const struct scan_finding *finding, struct error *err);
    void *argument;
};

/* What is known at the end. */
struct scan_summary {
    enum scan_verdict verdict;
    char format[64];                       /* of the file itself: "pickle", "zip+pickle" where it is several, "" */
    uint64_t looked;                       /* bytes interpreted, of all members as they are when decoded */
    uint64_t counts[SCAN_SEVERITY_COUNT];  /* findings, those beyond SCAN_FINDINGS_MAX too */
    struct scan_gap gaps[SCAN_SKIP_COUNT]; /* by reason; bytes and places 0: none */
};

#endif
