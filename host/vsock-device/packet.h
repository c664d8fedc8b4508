/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a virtio-vsock packet (VIRTIO 1.2, section 5.10.6, struct virtio_vsock_hdr).
 * All fields are little-endian; packet_decode and packet_encode are the only places that know it.
 */
#ifndef LAZARET_HOST_VSOCK_DEVICE_PACKET_H
#define LAZARET_HOST_VSOCK_DEVICE_PACKET_H

#include "base/cleanup.h"

#include <linux/virtio_vsock.h> /* VIRTIO_VSOCK_OP_*, _TYPE_*, _SHUTDOWN_* */
#include <stddef.h>
#include <stdint.h>

#define PACKET_HEADER_SIZE 44u /* packed: no padding, so not a multiple of 8 */

struct packet_header {
    uint64_t src_cid;
    uint64_t dst_cid;
    uint32_t src_port;
    uint32_t dst_port;
    uint32_t len; /* bytes of payload that follow the header */
    uint16_t type;
    uint16_t op;
    uint32_t flags;
    uint32_t buf_alloc; /* the sender's receive buffer for this stream, in bytes */
    uint32_t fwd_cnt;   /* bytes its application has taken from that buffer, modulo 2^32 */
};

/* Decodes a header from `size` bytes. -EBADMSG when they are fewer than PACKET_HEADER_SIZE. */
MUST_USE int packet_decode(const void *bytes, size_t size, struct packet_header *ret_header);

/* Writes the header's PACKET_HEADER_SIZE bytes. */
void packet_encode(const struct packet_header *header, uint8_t ret_bytes[PACKET_HEADER_SIZE]);

#endif
