/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What monitor, supervisor and libvirt controller tell each other: small records on a socketpair.
 *
 * A record is a u32 type, a u32 payload size and the payload, little-endian; strings are a u32
 * length and bytes. All sides are the same program on the same machine, but the supervisor's side
 * shares a machine with QEMU, so what comes from it is bounded and checked like foreign bytes.
 */
#ifndef LAZARET_HOST_VM_MESSAGE_H
#define LAZARET_HOST_VM_MESSAGE_H

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

#include <stdint.h>

#define MESSAGE_PAYLOAD_MAX 65536u

enum message_type {
    MESSAGE_STARTED = 1,   /* struct message_started */
    MESSAGE_FAILED = 2,    /* struct error: instead of STARTED */
    MESSAGE_EXITED = 3,    /* struct message_exited: the VM ended by itself */
    MESSAGE_DESTROY = 4,   /* to the supervisor: end it; no payload */
    MESSAGE_DESTROYED = 5, /* struct message_destroyed: the answer, before the supervisor's end */
    MESSAGE_BOOT = 6,      /* to the supervisor: start the VM; no payload */
};

struct message {
    enum message_type type;
    size_t size;
    uint8_t payload[MESSAGE_PAYLOAD_MAX];
};

struct message_started {
    uint32_t qemu_pid;                      /* in the supervisor's PID namespace */
    uint32_t cid;                           /* of the host's kernel; 0 where none is used */
    uint32_t qemu_version, libvirt_version; /* 1000000 * major + 1000 * minor + release */
};

struct message_exited {
    uint32_t reason; /* enum vm_exit */
    char detail[256];
};

struct message_destroyed {
    struct message_exited exit;
    uint64_t peak_memory_kib, cpu_ns, console_bytes, console_dropped;
};

/* Sends a record. -EMSGSIZE, -ETIMEDOUT, -EPIPE or another negative errno. */
MUST_USE int message_send(int fd, enum message_type type, const struct buffer *payload, uint64_t deadline_ns);

/* Receives one. -EBADMSG for a type or size out of range, -ECONNRESET at the end. */
MUST_USE int message_receive(int fd, struct message *ret_message, uint64_t deadline_ns);

MUST_USE int message_send_started(int fd, const struct message_started *started, uint64_t deadline_ns);
MUST_USE int message_send_failed(int fd, const struct error *error, uint64_t deadline_ns);
MUST_USE int message_send_exited(int fd, const struct message_exited *exited, uint64_t deadline_ns);
MUST_USE int message_send_destroyed(int fd, const struct message_destroyed *destroyed, uint64_t deadline_ns);

/* Decode a payload whole; -EBADMSG. */
MUST_USE int message_parse_started(const struct message *message, struct message_started *ret);
MUST_USE int message_parse_failed(const struct message *message, struct error *ret);
MUST_USE int message_parse_exited(const struct message *message, struct message_exited *ret);
MUST_USE int message_parse_destroyed(const struct message *message, struct message_destroyed *ret);

#endif
