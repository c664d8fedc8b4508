/* SPDX-License-Identifier: Apache-2.0 */
/* The codecs of a scan's messages: PROTOCOL.md, section 5, row by row. */
#include "wire/message_scan.h"

#define LINE_MEMBERS 2u

/* --- to the guest --------------------------------------------------------------------------------- */

void message_scan_decode(struct codec_reader *r, struct message *m)
{
    m->scan.index = codec_get_u32(r, MESSAGE_FILES_MAX - 1);
    m->scan.size = codec_get_u64(r, MESSAGE_NATURAL_MAX);
    m->scan.name = codec_get_text(r, SCAN_NAME_MAX - 1);
}

void message_scan_encode(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->scan.index);
    codec_put_u64(w, m->scan.size);
    codec_put_text(w, m->scan.name, SCAN_NAME_MAX - 1);
}

/* --- to the host ---------------------------------------------------------------------------------- */

void message_read_decode(struct codec_reader *r, struct message *m)
{
    m->read.offset = codec_get_u64(r, MESSAGE_NATURAL_MAX);
    m->read.size = codec_get_u32(r, FRAME_CHUNK_MAX);
    if (m->read.size == 0)
        codec_refuse(r, "a range without bytes");
}

void message_read_encode(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->read.offset);
    codec_put_u64(w, m->read.size);
}

static struct message_text get_rule(struct codec_reader *r)
{
    struct message_text rule = codec_get_text(r, SCAN_RULE_MAX - 1);

    for (uint32_t i = 0; i < rule.size; i++) {
        char c = rule.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            codec_refuse(r, "a rule that is no name");
            return rule;
        }
    }
    if (rule.size == 0)
        codec_refuse(r, "a finding without a rule");
    return rule;
}

static void decode_line(struct codec_reader *parent, struct message_finding_line *line)
{
    struct codec_reader r = codec_get_array(parent, LINE_MEMBERS);

    line->offset = codec_get_u64(&r, MESSAGE_NATURAL_MAX);
    line->text = codec_get_text(&r, SCAN_CONTEXT_LINE - 1);
    codec_end_array(parent, &r);
}

void message_finding_decode(struct codec_reader *r, struct message *m)
{
    struct codec_reader lines;

    m->finding.rule = get_rule(r);
    m->finding.severity = codec_get_u32(r, SCAN_SEVERITY_COUNT - 1);
    m->finding.offset = codec_get_u64(r, MESSAGE_NATURAL_MAX);
    m->finding.member = codec_get_text(r, SCAN_NAME_MAX - 1);
    m->finding.detail = codec_get_text(r, SCAN_DETAIL_MAX - 1);
    m->finding.effect = codec_get_text(r, SCAN_EFFECT_MAX - 1);
    lines = codec_get_array(r, SCAN_CONTEXT_MAX);
    m->finding.line_count = lines.count;
    for (uint32_t i = 0; i < lines.count; i++)
        decode_line(&lines, &m->finding.lines[i]);
    codec_end_array(r, &lines);
}

void message_finding_encode(struct codec_writer *w, const struct message *m)
{
    codec_put_text(w, m->finding.rule, SCAN_RULE_MAX - 1);
    codec_put_u64(w, m->finding.severity);
    codec_put_u64(w, m->finding.offset);
    codec_put_text(w, m->finding.member, SCAN_NAME_MAX - 1);
    codec_put_text(w, m->finding.detail, SCAN_DETAIL_MAX - 1);
    codec_put_text(w, m->finding.effect, SCAN_EFFECT_MAX - 1);
    codec_put_array(w, m->finding.line_count);
    for (uint32_t i = 0; i < m->finding.line_count; i++) {
        codec_put_array(w, LINE_MEMBERS);
        codec_put_u64(w, m->finding.lines[i].offset);
        codec_put_text(w, m->finding.lines[i].text, SCAN_CONTEXT_LINE - 1);
    }
}

void message_coverage_decode(struct codec_reader *r, struct message *m)
{
    m->coverage.reason = codec_get_u32(r, SCAN_SKIP_COUNT - 1);
    m->coverage.bytes = codec_get_u64(r, MESSAGE_NATURAL_MAX);
    m->coverage.places = codec_get_u64(r, MESSAGE_NATURAL_MAX);
    m->coverage.offset = codec_get_u64(r, MESSAGE_NATURAL_MAX);
    m->coverage.member = codec_get_text(r, SCAN_NAME_MAX - 1);
    m->coverage.detail = codec_get_text(r, SCAN_DETAIL_MAX - 1);
    if (m->coverage.places == 0)
        codec_refuse(r, "bytes that were skipped nowhere");
}

void message_coverage_encode(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->coverage.reason);
    codec_put_u64(w, m->coverage.bytes);
    codec_put_u64(w, m->coverage.places);
    codec_put_u64(w, m->coverage.offset);
    codec_put_text(w, m->coverage.member, SCAN_NAME_MAX - 1);
    codec_put_text(w, m->coverage.detail, SCAN_DETAIL_MAX - 1);
}

void message_scan_done_decode(struct codec_reader *r, struct message *m)
{
    struct codec_reader counts;

    m->scan_done.verdict = codec_get_u32(r, SCAN_VERDICT_COUNT - 1);
    m->scan_done.format = codec_get_text(r, SCAN_RULE_MAX - 1);
    m->scan_done.looked = codec_get_u64(r, MESSAGE_NATURAL_MAX);
    counts = codec_get_array(r, SCAN_SEVERITY_COUNT);
    for (unsigned i = 0; i < SCAN_SEVERITY_COUNT; i++)
        m->scan_done.counts[i] = codec_get_u64(&counts, MESSAGE_NATURAL_MAX);
    codec_end_array(r, &counts);
}

void message_scan_done_encode(struct codec_writer *w, const struct message *m)
{
    codec_put_u64(w, m->scan_done.verdict);
    codec_put_text(w, m->scan_done.format, SCAN_RULE_MAX - 1);
    codec_put_u64(w, m->scan_done.looked);
    codec_put_array(w, SCAN_SEVERITY_COUNT);
    for (unsigned i = 0; i < SCAN_SEVERITY_COUNT; i++)
        codec_put_u64(w, m->scan_done.counts[i]);
}
