/* SPDX-License-Identifier: Apache-2.0 */
/* A scan's messages as records and back: numbers and texts in the message's order, a finding's lines as the blob. */
#include "host/collect/record_scan.h"

#include "base/cursor.h"

#include <errno.h>
#include <string.h>

/* --- to a record ------------------------------------------------------------------------------------ */

/* Each line: its offset, its length, its text. */
static int put_lines(const struct message_finding *finding, struct buffer *storage)
{
    int r = 0;

    storage->size = 0;
    for (uint32_t i = 0; r == 0 && i < finding->line_count; i++) {
        const struct message_finding_line *line = &finding->lines[i];

        r = buffer_append_u64le(storage, line->offset);
        if (r == 0)
            r = buffer_append_u32le(storage, line->text.size);
        if (r == 0)
            r = buffer_append(storage, line->text.data, line->text.size);
    }
    return r;
}

static int finding_to_record(const struct message_finding *finding, struct buffer *storage, struct record *record)
{
    int r = put_lines(finding, storage);

    record->numbers[0] = finding->severity;
    record->numbers[1] = finding->offset;
    record->numbers[2] = finding->line_count;
    record->texts[0] = finding->rule;
    record->texts[1] = finding->member;
    record->texts[2] = finding->detail;
    record->texts[3] = finding->effect;
    record->blob = (struct message_blob){.data = storage->data, .size = (uint32_t)storage->size};
    return r;
}

int record_from_scan(const struct message *m, struct buffer *storage, struct record *record)
{
    uint64_t *n = record->numbers;

    switch (m->type) {
    case MESSAGE_READ:
        n[0] = m->read.offset;
        n[1] = m->read.size;
        return 0;
    case MESSAGE_FINDING:
        return finding_to_record(&m->finding, storage, record);
    case MESSAGE_COVERAGE:
        n[0] = m->coverage.reason;
        n[1] = m->coverage.bytes;
        n[2] = m->coverage.places;
        n[3] = m->coverage.offset;
        record->texts[0] = m->coverage.member;
        record->texts[1] = m->coverage.detail;
        return 0;
    default:
        n[0] = m->scan_done.verdict;
        n[1] = m->scan_done.looked;
        memcpy(n + 2, m->scan_done.counts, sizeof m->scan_done.counts);
        record->texts[0] = m->scan_done.format;
        return 0;
    }
}

/* --- from a record ------------------------------------------------------------------------------------ */

static bool is_printable(struct message_text text, uint32_t most)
{
    if (text.size > most)
        return false;
    for (uint32_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    return true;
}

static int get_lines(const struct record *record, struct message_finding *finding)
{
    struct cursor cursor = cursor_over(record->blob.data, record->blob.size);

    for (uint32_t i = 0; i < finding->line_count; i++) {
        struct message_finding_line *line = &finding->lines[i];
        const uint8_t *text;

        if (cursor_read_u64le(&cursor, &line->offset) < 0 || cursor_read_u32le(&cursor, &line->text.size) < 0 ||
            cursor_read_bytes(&cursor, line->text.size, &text) < 0)
            return -EBADMSG;
        line->text.data = (const char *)text;
        if (line->offset > MESSAGE_NATURAL_MAX || !is_printable(line->text, SCAN_CONTEXT_LINE - 1))
            return -EBADMSG;
    }
    return cursor_left(&cursor) == 0 ? 0 : -EBADMSG;
}

static int record_to_finding(const struct record *record, struct message_finding *finding)
{
    const uint64_t *n = record->numbers;

    *finding = (struct message_finding){.severity = (enum scan_severity)n[0],
                                        .offset = n[1],
                                        .line_count = (uint32_t)n[2],
                                        .rule = record->texts[0],
                                        .member = record->texts[1],
                                        .detail = record->texts[2],
                                        .effect = record->texts[3]};
    if (n[0] >= SCAN_SEVERITY_COUNT || n[1] > MESSAGE_NATURAL_MAX || n[2] > SCAN_CONTEXT_MAX ||
        finding->rule.size == 0 || !is_printable(finding->rule, SCAN_RULE_MAX - 1) ||
        !is_printable(finding->member, SCAN_NAME_MAX - 1) || !is_printable(finding->detail, SCAN_DETAIL_MAX - 1) ||
        !is_printable(finding->effect, SCAN_EFFECT_MAX - 1))
        return -EBADMSG;
    return get_lines(record, finding);
}

static int record_to_coverage(const struct record *record, struct message_coverage *coverage)
{
    const uint64_t *n = record->numbers;

    *coverage = (struct message_coverage){.reason = (enum scan_skip)n[0],
                                          .bytes = n[1],
                                          .places = n[2],
                                          .offset = n[3],
                                          .member = record->texts[0],
                                          .detail = record->texts[1]};
    if (n[0] >= SCAN_SKIP_COUNT || n[1] > MESSAGE_NATURAL_MAX || n[2] == 0 || n[2] > MESSAGE_NATURAL_MAX ||
        n[3] > MESSAGE_NATURAL_MAX || !is_printable(coverage->member, SCAN_NAME_MAX - 1) ||
        !is_printable(coverage->detail, SCAN_DETAIL_MAX - 1))
        return -EBADMSG;
    return 0;
}

static int record_to_scan_done(const struct record *record, struct message_scan_done *done)
{
    const uint64_t *n = record->numbers;

    *done = (struct message_scan_done){.verdict = (enum scan_verdict)n[0], .looked = n[1], .format = record->texts[0]};
    if (n[0] >= SCAN_VERDICT_COUNT || n[1] > MESSAGE_NATURAL_MAX || !is_printable(done->format, SCAN_RULE_MAX - 1))
        return -EBADMSG;
    for (unsigned i = 0; i < SCAN_SEVERITY_COUNT; i++) {
        done->counts[i] = n[2 + i];
        if (done->counts[i] > MESSAGE_NATURAL_MAX)
            return -EBADMSG;
    }
    return 0;
}

int record_to_scan(const struct record *record, struct message *message)
{
    const uint64_t *n = record->numbers;

    switch (record->type) {
    case MESSAGE_READ:
        if (n[0] > MESSAGE_NATURAL_MAX || n[1] == 0 || n[1] > FRAME_CHUNK_MAX)
            return -EBADMSG;
        message->read = (struct message_read){.offset = n[0], .size = (uint32_t)n[1]};
        return 0;
    case MESSAGE_FINDING:
        return record_to_finding(record, &message->finding);
    case MESSAGE_COVERAGE:
        return record_to_coverage(record, &message->coverage);
    default:
        return record_to_scan_done(record, &message->scan_done);
    }
}
