/* SPDX-License-Identifier: Apache-2.0 */
/* The controller's side of the confined process; host/provenance only. */
#ifndef LAZARET_HOST_PROVENANCE_READER_H
#define LAZARET_HOST_PROVENANCE_READER_H

#include "base/buffer.h"
#include "host/provenance/protocol.h"

struct provenance_reader;

/* Forks the process. ERROR_INTERNAL; ERROR_UNAVAILABLE without memory. */
MUST_USE int provenance_reader_start(struct provenance_reader **ret_reader, struct error *err);

/*
 * Asks once. The answer is appended to ret_answer. What the process refuses is its error: ERROR_MISMATCH,
 * ERROR_BAD_INPUT, ERROR_UNAVAILABLE. A process that dies or stalls refuses the file, too.
 */
MUST_USE int provenance_reader_ask(struct provenance_reader *reader, enum protocol_operation operation,
                                   const struct buffer *request, struct buffer *ret_answer, struct error *err);

/* Ends the process and waits for it; NULL is fine. */
void provenance_reader_free(struct provenance_reader *reader);

static inline void provenance_reader_drop(struct provenance_reader **reader)
{
    provenance_reader_free(*reader);
}
#define CLEANUP_PROVENANCE_READER CLEANUP(provenance_reader_drop)

/* Appends a string: its size and its bytes. */
MUST_USE int provenance_append_string(struct buffer *buffer, const void *bytes, size_t size);

#endif
