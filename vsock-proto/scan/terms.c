/* SPDX-License-Identifier: Apache-2.0 */
/* The names of severities, verdicts and gaps, and what they come to. */
#include "scan/terms.h"

const char *scan_severity_name(enum scan_severity severity)
{
    static const char *const names[SCAN_SEVERITY_COUNT] = {"info", "low", "medium", "high", "critical"};

    return names[severity];
}

const char *scan_verdict_name(enum scan_verdict verdict)
{
    static const char *const names[SCAN_VERDICT_COUNT] = {"allowed", "unknown", "unscanned", "dangerous"};

    return names[verdict];
}

const char *scan_skip_name(enum scan_skip reason)
{
    static const char *const names[SCAN_SKIP_COUNT] = {
        [SCAN_SKIP_WEIGHTS] = "weights",
        [SCAN_SKIP_TEXT] = "text",
        [SCAN_SKIP_PADDING] = "padding",
        [SCAN_SKIP_MEDIA] = "media",
        [SCAN_GAP_UNRECOGNISED] = "unrecognised",
        [SCAN_GAP_UNSUPPORTED] = "unsupported",
        [SCAN_GAP_DAMAGED] = "damaged",
        [SCAN_GAP_ENCRYPTED] = "encrypted",
        [SCAN_GAP_DEPTH] = "depth",
        [SCAN_GAP_BUDGET] = "budget",
        [SCAN_GAP_MEMORY] = "memory",
        [SCAN_GAP_SOURCE] = "source",
    };

    return names[reason];
}

enum scan_verdict scan_verdict_of(const uint64_t counts[SCAN_SEVERITY_COUNT], bool gap)
{
    if (counts[SCAN_CRITICAL] > 0 || counts[SCAN_HIGH] > 0)
        return SCAN_DANGEROUS;
    if (gap)
        return SCAN_UNSCANNED;
    return counts[SCAN_MEDIUM] > 0 ? SCAN_UNKNOWN : SCAN_ALLOWED;
}
