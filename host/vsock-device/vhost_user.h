/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the vhost-user protocol, as far as QEMU's vsock front end speaks it.
 *
 * A message is {u32 request; u32 flags; u32 size} and `size` bytes of payload, in the byte order of
 * the machine; descriptors travel beside its first byte. The parser checks form only: sizes, flags
 * and how many descriptors a request may carry.
 */
#ifndef LAZARET_HOST_VSOCK_DEVICE_VHOST_USER_H
#define LAZARET_HOST_VSOCK_DEVICE_VHOST_USER_H

#include "base/error.h"
#include "host/vsock-device/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VHOST_USER_HEADER_SIZE 12u
#define VHOST_USER_CONFIG_MAX  256u /* VHOST_USER_MAX_CONFIG_SIZE */
#define VHOST_USER_PAYLOAD_MAX (12u + VHOST_USER_CONFIG_MAX)
#define VHOST_USER_FDS_MAX     MEMORY_REGIONS_MAX

/* VHOST_USER_F_PROTOCOL_FEATURES, and the one protocol feature in use. */
#define VHOST_USER_FEATURE_PROTOCOL        (UINT64_C(1) << 30)
#define VHOST_USER_PROTOCOL_FEATURE_CONFIG (UINT64_C(1) << 9)

enum vhost_user_request {
    VHOST_USER_GET_FEATURES = 1,
    VHOST_USER_SET_FEATURES = 2,
    VHOST_USER_SET_OWNER = 3,
    VHOST_USER_SET_MEM_TABLE = 5,
    VHOST_USER_SET_VRING_NUM = 8,
    VHOST_USER_SET_VRING_ADDR = 9,
    VHOST_USER_SET_VRING_BASE = 10,
    VHOST_USER_GET_VRING_BASE = 11,
    VHOST_USER_SET_VRING_KICK = 12,
    VHOST_USER_SET_VRING_CALL = 13,
    VHOST_USER_SET_VRING_ERR = 14,
    VHOST_USER_GET_PROTOCOL_FEATURES = 15,
    VHOST_USER_SET_PROTOCOL_FEATURES = 16,
    VHOST_USER_SET_VRING_ENABLE = 18,
    VHOST_USER_GET_CONFIG = 24,
};

struct vhost_user_message {
    enum vhost_user_request request;
    union {
        uint64_t number; /* features, or a queue's index and VHOST_USER_NO_FD */
        struct {
            uint32_t index, value; /* NUM, BASE, ENABLE */
        } state;
        struct {
            uint32_t index;
            uint64_t descriptors, used, available; /* user addresses */
        } address;
        struct {
            struct memory_region_config regions[MEMORY_REGIONS_MAX];
            size_t count;
        } memory;
        struct {
            uint32_t offset, size;
        } config;
    };
    int fds[VHOST_USER_FDS_MAX]; /* owned; negative ones are not there */
    size_t fd_count;
};

#define VHOST_USER_INDEX_MASK UINT64_C(0xff)
#define VHOST_USER_NO_FD      UINT64_C(0x100)

/* Bytes of one message on their way in. Zero-initialised: nothing received. */
struct vhost_user_reader {
    uint8_t bytes[VHOST_USER_HEADER_SIZE + VHOST_USER_PAYLOAD_MAX];
    size_t used;
    int fds[VHOST_USER_FDS_MAX]; /* owned */
    size_t fd_count;
};

/*
 * Reads from the front end's non-blocking socket what is there of one message. 1 when *ret_message
 * is whole, 0 when more must come, -ECONNRESET when the front end is gone, -EBADMSG for one that
 * makes no sense. The message owns its descriptors: vhost_user_message_close.
 */
MUST_USE int vhost_user_read(struct vhost_user_reader *reader, int fd, struct vhost_user_message *ret_message,
                             struct error *err);

/* Parses a whole message of `size` bytes that came with `fd_count` descriptors. -EBADMSG. The
   descriptors are not touched, *ret_message has none of its own. */
MUST_USE int vhost_user_parse(const uint8_t *bytes, size_t size, size_t fd_count,
                              struct vhost_user_message *ret_message, struct error *err);

/* Closes the descriptors nobody took; a taken one was replaced by -1. */
void vhost_user_message_close(struct vhost_user_message *message);

/* Closes descriptors of a message that never became whole. */
void vhost_user_reader_close(struct vhost_user_reader *reader);

/* Sends a reply to `request` with the payload. -errno; a reply that doesn't fit the socket's buffer
   is an error, for the front end waits for each. */
MUST_USE int vhost_user_reply(int fd, enum vhost_user_request request, const void *payload, size_t size,
                              struct error *err);

#define CLEANUP_VHOST_USER_MESSAGE CLEANUP(vhost_user_message_close)

#endif
