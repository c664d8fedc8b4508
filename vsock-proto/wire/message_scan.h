/* SPDX-License-Identifier: Apache-2.0 */
/* The codecs of a scan's messages, for message.c's table alone. */
#ifndef LAZARET_WIRE_MESSAGE_SCAN_H
#define LAZARET_WIRE_MESSAGE_SCAN_H

#include "wire/codec.h"

void message_scan_decode(struct codec_reader *r, struct message *m);
void message_scan_encode(struct codec_writer *w, const struct message *m);
void message_read_decode(struct codec_reader *r, struct message *m);
void message_read_encode(struct codec_writer *w, const struct message *m);
void message_finding_decode(struct codec_reader *r, struct message *m);
void message_finding_encode(struct codec_writer *w, const struct message *m);
void message_coverage_decode(struct codec_reader *r, struct message *m);
void message_coverage_encode(struct codec_writer *w, const struct message *m);
void message_scan_done_decode(struct codec_reader *r, struct message *m);
void message_scan_done_encode(struct codec_writer *w, const struct message *m);

#endif
