/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terms of a scan's result, which both sides share: severities, verdicts, reasons to skip bytes, their limits.
 *
 * verdict = dangerous   where a finding is high or critical;
 *           unscanned   else, where a gap is left: something a loader would read was not looked at;
 *           unknown     else, where a finding is medium;
 *           allowed     else.
 */
#ifndef LAZARET_SCAN_TERMS_H
#define LAZARET_SCAN_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#define SCAN_FINDINGS_MAX 256u  /* listed a file and severity; more are counted */
#define SCAN_NAME_MAX     1024u /* bytes of a member's path, "a.zip!b/c.pkl", escaped, with its NUL */
#define SCAN_DETAIL_MAX   512u  /* bytes of a finding's detail, escaped, with its NUL */
#define SCAN_RULE_MAX     64u   /* bytes of a rule's id, and of a file's format, with their NUL */
#define SCAN_EFFECT_MAX   512u  /* bytes of what a rule's finding would do, with its NUL */
#define SCAN_CONTEXT_MAX  12u   /* lines around a finding */
#define SCAN_CONTEXT_LINE 160u  /* bytes of one, escaped, with its NUL */

enum scan_severity {
    SCAN_INFO,     /* worth a line, harmless */
    SCAN_LOW,      /* odd, and harmless to the loaders known */
    SCAN_MEDIUM,   /* not known to be harmless */
    SCAN_HIGH,     /* runs code or reaches out when the model is loaded, or hides that */
    SCAN_CRITICAL, /* nothing but an attack does this */
    SCAN_SEVERITY_COUNT
};

enum scan_verdict { SCAN_ALLOWED, SCAN_UNKNOWN, SCAN_UNSCANNED, SCAN_DANGEROUS, SCAN_VERDICT_COUNT };

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
    SCAN_GAP_DEPTH,  /* guest/scan/limits.h */
    SCAN_GAP_BUDGET, /* guest/scan/limits.h */
    SCAN_GAP_MEMORY, /* guest/scan/limits.h */
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

/* The verdict that follows from how many findings there are of each severity, and from whether there is a gap. */
enum scan_verdict scan_verdict_of(const uint64_t counts[SCAN_SEVERITY_COUNT], bool gap);

#endif
