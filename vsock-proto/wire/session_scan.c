/* SPDX-License-Identifier: Apache-2.0 */
/* The judge of one scan's messages: READ and FINDING in any order, then COVERAGE, then SCAN_DONE. */
#include "wire/session_scan.h"

uint64_t session_scan_served_max(uint64_t size)
{
    uint64_t most = size < UINT64_MAX / MESSAGE_SERVED_RATIO ? size * MESSAGE_SERVED_RATIO : UINT64_MAX;

    return most > MESSAGE_SERVED_MIN ? most : MESSAGE_SERVED_MIN;
}

void session_scan_start(struct session_scan *scan, uint64_t size, uint64_t served_max)
{
    *scan = (struct session_scan){.size = size, .served_left = served_max};
}

static const char *receive_read(struct session_scan *scan, const struct message_read *read)
{
    if (scan->served_left == 0)
        return "asks for bytes where none are served, or for too many";
    if (read->offset >= scan->size || read->size > scan->size - read->offset)
        return "asks for bytes beyond the file's end";
    if (read->size > scan->served_left)
        return "asks for too many bytes";
    scan->served_left -= read->size;
    return NULL;
}

static const char *receive_finding(struct session_scan *scan, const struct message_finding *finding)
{
    if (scan->next_reason > 0)
        return "came after the coverage";
    if (scan->findings[finding->severity] == SCAN_FINDINGS_MAX)
        return "came too often";
    scan->findings[finding->severity]++;
    return NULL;
}

static const char *receive_coverage(struct session_scan *scan, const struct message_coverage *coverage)
{
    if (coverage->reason < scan->next_reason)
        return "came twice for one reason, or out of order";
    scan->next_reason = coverage->reason + 1u;
    if (scan_skip_is_gap(coverage->reason))
        scan->gap = true;
    return NULL;
}

static const char *receive_scan_done(struct session_scan *scan, const struct message_scan_done *done)
{
    for (unsigned i = 0; i < SCAN_SEVERITY_COUNT; i++) {
        uint64_t listed = done->counts[i] < SCAN_FINDINGS_MAX ? done->counts[i] : SCAN_FINDINGS_MAX;

        if (scan->findings[i] != listed)
            return "counts other findings than have come";
    }
    if (done->verdict != scan_verdict_of(done->counts, scan->gap))
        return "has a verdict that does not follow from its findings";
    scan->done = true;
    return NULL;
}

const char *session_scan_receive(struct session_scan *scan, const struct message *message)
{
    if (scan->done)
        return "came after the scan's end";
    switch (message->type) {
    case MESSAGE_READ:
        return receive_read(scan, &message->read);
    case MESSAGE_FINDING:
        return receive_finding(scan, &message->finding);
    case MESSAGE_COVERAGE:
        return receive_coverage(scan, &message->coverage);
    default:
        return receive_scan_done(scan, &message->scan_done);
    }
}
