/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scan says of one file: findings, gaps, and the verdict that follows from them.
 *
 * verdict = dangerous   where a finding is high or critical;
 *           unscanned   else, where a gap is left: something a loader would read was not looked at;
 *           unknown     else, where a finding is medium;
 *           allowed     else.
 */
#ifndef LAZARET_GUEST_SCAN_REPORT_H
#define LAZARET_GUEST_SCAN_REPORT_H

#include "base/error.h"
#include "guest/scan/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum scan_severity {
    SCAN_INFO,     /* worth a line, harmless */
    SCAN_LOW,      /* odd, and harmless to the loaders known */
    SCAN_MEDIUM,   /* not known to be harmless */
    SCAN_HIGH,     /* runs code or reaches out when the model is loaded, or hides that */
    SCAN_CRITICAL, /* nothing but an attack does this */
    SCAN_SEVERITY_COUNT
};

enum scan_verdict { SCAN_ALLOWED, SCAN_UNKNOWN, SCAN_UNSCANNED, SCAN_DANGEROUS, SCAN_VERDICT_COUNT };

/* A kind of finding. Each format has a table of its own; docs/scan-rules.md has a section for each id. */
struct scan_rule {
    const char *id; /* "pickle-call": format, then what it is; lower case, digits and dashes */
    enum scan_severity severity;
    const char *effect; /* what it would do, one sentence */
};

/* Why bytes were not looked at. The first group leaves no gap, as no loader interprets them. */
enum scan_skip {
    SCAN_SKIP_WEIGHTS, /* numbers of a tensor */
    SCAN_SKIP_TEXT,    /* text that nothing executes */
    SCAN_SKIP_PADDING, /* zeros, alignment */
    SCAN_SKIP_MEDIA,   /* images, audio, fonts, tables of numbers: recognised, and not a model */
    /* Gaps. */
    SCAN_GAP_UNRECOGNISED, /* no known format */
    SCAN_GAP_UNSUPPORTED,  /* a known format, a part that is not read */
    SCAN_GAP_DAMAGED,      /* malformed, so that a more lenient loader may see more */
    SCAN_GAP_ENCRYPTED,
    SCAN_GAP_DEPTH,  /* limits.h */
    SCAN_GAP_BUDGET, /* limits.h */
    SCAN_GAP_MEMORY, /* limits.h */
    SCAN_GAP_SOURCE, /* the host could not give the bytes */
    SCAN_SKIP_COUNT
};

static inline bool scan_skip_is_gap(enum scan_skip reason)
{
    return reason >= SCAN_GAP_UNRECOGNISED;
}

const char *scan_severity_name(enum scan_severity severity); /* "info", … */
const char *scan_verdict_name(enum scan_verdict verdict);    /* "allowed", … */
const char *scan_skip_name(enum scan_skip reason);           /* "weights", … */

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
