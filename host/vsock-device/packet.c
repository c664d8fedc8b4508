/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a virtio-vsock packet. */
#include "host/vsock-device/packet.h"

#include "base/cursor.h"

#include <errno.h>

_Static_assert(sizeof(struct virtio_vsock_hdr) == PACKET_HEADER_SIZE, "VIRTIO 1.2, 5.10.6");

int packet_decode(const void *bytes, size_t size, struct packet_header *ret_header)
{
    struct cursor cursor = cursor_over(bytes, size);
    struct packet_header header;

    if (cursor_read_u64le(&cursor, &header.src_cid) < 0 || cursor_read_u64le(&cursor, &header.dst_cid) < 0 ||
        cursor_read_u32le(&cursor, &header.src_port) < 0 || cursor_read_u32le(&cursor, &header.dst_port) < 0 ||
        cursor_read_u32le(&cursor, &header.len) < 0 || cursor_read_u16le(&cursor, &header.type) < 0 ||
        cursor_read_u16le(&cursor, &header.op) < 0 || cursor_read_u32le(&cursor, &header.flags) < 0 ||
        cursor_read_u32le(&cursor, &header.buf_alloc) < 0 || cursor_read_u32le(&cursor, &header.fwd_cnt) < 0)
        return -EBADMSG;
    *ret_header = header;
    return 0;
}

static uint8_t *put(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
    return at + size;
}

void packet_encode(const struct packet_header *header, uint8_t ret_bytes[PACKET_HEADER_SIZE])
{
    uint8_t *at = ret_bytes;

    at = put(at, header->src_cid, 8);
    at = put(at, header->dst_cid, 8);
    at = put(at, header->src_port, 4);
    at = put(at, header->dst_port, 4);
    at = put(at, header->len, 4);
    at = put(at, header->type, 2);
    at = put(at, header->op, 2);
    at = put(at, header->flags, 4);
    at = put(at, header->buf_alloc, 4);
    (void)put(at, header->fwd_cnt, 4);
}
