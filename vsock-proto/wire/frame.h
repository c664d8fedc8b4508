/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: PROTOCOL.md, section 3. Twelve bytes of header, then the payload. */
#ifndef LAZARET_WIRE_FRAME_H
#define LAZARET_WIRE_FRAME_H

#include "base/buffer.h"
#include "base/error.h"

#define FRAME_HEADER_SIZE 12u
#define FRAME_MAGIC       UINT32_C(0x315a414c) /* "LAZ1", little-endian */
#define FRAME_PAYLOAD_MAX (UINT32_C(1) << 20)
#define FRAME_CHUNK_MAX   (UINT32_C(256) << 10) /* payload of a CHUNK, at least 1 byte */

struct frame_header {
    uint8_t type;
    uint32_t size; /* of the payload */
};

/* -EBADMSG unless magic, zero bytes and limits hold. */
MUST_USE int frame_decode_header(const uint8_t bytes[FRAME_HEADER_SIZE], struct frame_header *ret_header,
                                 struct error *err);

void frame_encode_header(const struct frame_header *header, uint8_t ret_bytes[FRAME_HEADER_SIZE]);

/*
 * Reads one whole frame. `payload` is cleared first and must allow FRAME_PAYLOAD_MAX. Errors:
 * -ECONNRESET at the stream's end (ERROR_GUEST), -ETIMEDOUT, -EBADMSG, -errno.
 */
MUST_USE int frame_read(int fd, uint64_t deadline_ns, struct frame_header *ret_header, struct buffer *payload,
                        struct error *err);

/* Writes one frame of raw payload. */
MUST_USE int frame_write(int fd, uint64_t deadline_ns, const struct frame_header *header, const void *payload,
                         struct error *err);

#endif
