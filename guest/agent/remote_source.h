/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source whose bytes the host has: the worker asks for them by READ and gets them over its input pipe.
 *
 * It keeps the blocks used last, so that scanners may move about, and asks ahead where they read on. Between
 * supervisor and worker, two processes of one program, an answer is a struct remote_answer and its bytes.
 */
#ifndef LAZARET_GUEST_AGENT_REMOTE_SOURCE_H
#define LAZARET_GUEST_AGENT_REMOTE_SOURCE_H

#include "base/buffer.h"
#include "guest/scan/source.h"
#include "wire/message.h"

#define REMOTE_BLOCK  FRAME_CHUNK_MAX
#define REMOTE_BLOCKS 32u /* kept: 8 MiB */
#define REMOTE_AHEAD  4u  /* asked for beyond the one that is needed, while reading on; fewer than MESSAGE_READS_MAX */

struct remote_answer {
    uint32_t size; /* bytes that follow; 0: the host can't give them */
};

/* The supervisor's side: an answer for the worker's input; NULL for UNREADABLE. */
MUST_USE int remote_put_answer(struct buffer *buffer, const struct message_blob *bytes);

struct remote_options {
    uint64_t size; /* of the file */
    int input_fd;  /* blocking */
    int (*send)(void *argument, const struct message *message, struct error *err);
    void *argument;
};

/* NULL without memory. */
struct source *remote_source_open(const struct remote_options *options);

/*
 * Takes in every answer that is under way. Before any other message is sent: nobody may wait for us to read while we
 * wait to write.
 */
MUST_USE int remote_source_settle(struct source *source, struct error *err);

#endif
