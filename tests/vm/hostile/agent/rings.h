/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-vsock device driven from user space: its rings are this program's own, so that every index, descriptor and
 * packet can be a lie.
 *
 * The kernel's virtio modules stay unloaded. The device is found in sysfs, its registers are mapped from its BAR, and
 * rings and buffers lie in one huge page, whose physical address /proc/self/pagemap tells. The puppet's session runs in
 * a child behind a socket pair that the driver bridges to the host's stream, so that attacks which the device survives
 * are followed by a whole evaluation over the same rings.
 */
#ifndef LAZARET_TESTS_VM_HOSTILE_RINGS_H
#define LAZARET_TESTS_VM_HOSTILE_RINGS_H

#include "virtio.h"

#include <linux/virtio_vsock.h>

#define RINGS_BUFFERS     64u /* of each queue */
#define RINGS_BUFFER_SIZE 4096u
#define RINGS_BATCH       32u
#define RINGS_OUR_CREDIT  (256u * 1024u)

enum { RINGS_RX, RINGS_TX, RINGS_EVENT };

struct rings {
    struct virtio device;
    uint64_t cid;
    uint16_t tx_sent, tx_done; /* packets given to the device, and given back */
    uint16_t rx_seen;
    bool in_flood; /* the device is told of every RINGS_BATCH packets only */
    /* The host's stream. */
    bool connected, is_busy;
    uint32_t host_port, guest_port;
    uint32_t received, sent, peer_credit, peer_forwarded;
    /* What lies say instead of the truth. */
    uint32_t told_credit; /* RINGS_OUR_CREDIT */
    int32_t told_ahead;   /* of what was really received */
    bool answers_with_data, answers_with_reset, answers_twice, never_answers;
};

/* When an attack comes. */
enum rings_moment {
    RINGS_EARLY,  /* the rings stand, the host has not connected */
    RINGS_MIDWAY, /* the session is under way: the guest has said its hello */
};

struct rings_attack {
    const char *name;
    enum rings_moment moment;
    void (*run)(struct rings *rings);
};

/* Each table ends with a NULL name: what breaks the rings' rules, and what breaks the packets'. */
extern const struct rings_attack attacks_rings[], attacks_packets[];

/* Sends a packet as the fields say; `data` holds header.len bytes or is NULL. Waits for room. */
void rings_send(struct rings *rings, const struct virtio_vsock_hdr *header, const void *data);
/* The header of a packet for the host's stream. */
struct virtio_vsock_hdr rings_header(const struct rings *rings, uint16_t op, uint32_t size);
/* Takes what the device has given back; true: there was something. */
bool rings_collect(struct rings *rings);

/* After virtio_start: no packet is under way, and every receive buffer is given anew. */
void rings_restart(struct rings *rings);

/* Runs the mode `rings:NAME`: true when it has ended, false where the mode is another. `converse` does not return. */
bool rings_run(const char *mode, void (*converse)(int fd, const char *at), int stream);

#endif
