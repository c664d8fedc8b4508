/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the collector tells the monitor: a guest's message, checked, in a form that needs no parser.
 *
 * A record is RECORD_HEADER_SIZE bytes (type, sizes, RECORD_NUMBERS little-endian numbers), then its texts and its
 * blob. The monitor reads it through the bounded cursor and checks it anew: the collector has read hostile bytes.
 * Both directions share the form; commands carry a type and at most two numbers.
 */
#ifndef LAZARET_HOST_COLLECT_RECORD_H
#define LAZARET_HOST_COLLECT_RECORD_H

#include "wire/message.h"

#define RECORD_NUMBERS     12u
#define RECORD_TEXTS       4u
#define RECORD_HEADER_SIZE (4u + 4u * RECORD_TEXTS + 4u + 8u * RECORD_NUMBERS)

/* Types beside enum message_type's. */
enum record_type {
    RECORD_ERROR = 0x100,       /* numbers: error kind, -code; text: why. The collector ends. */
    RECORD_BEGIN_CHECK = 0x200, /* to the collector: number: the check's index */
    RECORD_PART = 0x201,        /* to the collector */
    RECORD_BEGIN_SCAN = 0x202,  /* to the collector: numbers: the file's index and size */
    RECORD_IMPORT = 0x203,      /* to the collector */
};

struct record {
    uint32_t type; /* enum message_type or enum record_type */
    uint64_t numbers[RECORD_NUMBERS];
    struct message_text texts[RECORD_TEXTS]; /* borrowed */
    struct message_blob blob;                /* borrowed */
};

/* Sends one record; -errno. */
MUST_USE int record_write(int fd, const struct record *record, uint64_t deadline_ns);

/*
 * Receives one record; texts and blob point into `storage`, which is cleared first. -ECONNRESET when the other side
 * is gone, -ETIMEDOUT, -EBADMSG for sizes beyond the protocol's and texts that are not printable ASCII.
 */
MUST_USE int record_read(int fd, struct buffer *storage, struct record *ret_record, uint64_t deadline_ns);

/* A guest's message as a record and back. `storage` holds a cluster's indices, a row's figures, and a
 * finding's lines; -EBADMSG for what
 * can't be one. */
MUST_USE int record_from_message(const struct message *message, struct buffer *storage, struct record *ret_record);
MUST_USE int record_to_message(const struct record *record, struct message *ret_message);

#endif
