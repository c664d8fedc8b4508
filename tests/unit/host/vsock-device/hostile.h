/* SPDX-License-Identifier: Apache-2.0 */
/* What the hostile tests of the vsock device share: one front end at a time, how the device must end, and a thread that
   writes to guest memory all the while. */
#ifndef LAZARET_TESTS_UNIT_VSOCK_HOSTILE_H
#define LAZARET_TESTS_UNIT_VSOCK_HOSTILE_H

#include "front_end.h"

#include <pthread.h>
#include <stdatomic.h>

#define HOSTILE_PORT   1024u
#define HOSTILE_BUFFER UINT64_C(0x800000) /* some guest memory that the front end uses for nothing else */

/* Private memory may not grow by more in any test; the sanitizer keeps freed memory and shadows. */
#ifdef __SANITIZE_ADDRESS__
#define HOSTILE_GROWTH_KIB 65536ul
#else
#define HOSTILE_GROWTH_KIB 2048ul
#endif

extern struct front_end hostile_fe;
extern struct front_end_packet hostile_packet;

void hostile_start(void); /* by default options */

/* The device must end by itself, for this reason. */
void hostile_expect_end(enum error_kind kind, const char *reason);

/* The front end goes, and the device ends without complaint. */
void hostile_join_well(void);

/* The front end goes; the device has ended without complaint, or by the guest's fault, and by no signal. True for a
 * fault. */
bool hostile_join_either(void);

/* A header that belongs to no stream. */
struct virtio_vsock_hdr hostile_stray(uint16_t op);

/* Sends packets of one header, kicking once in a while, and takes what comes. Each packet's source port is one further.
   Returns how many RSTs came; 0 and a failed assertion when the device takes no more. */
unsigned hostile_flood(const struct virtio_vsock_hdr *header, const void *payload, unsigned count);

/* Checks that a new stream carries bytes both ways. */
void hostile_expect_service(void);

/* A thread that writes two values of `size` bytes (at most 8) to `at` in turn, until it is stopped. */
struct hostile_flipper {
    pthread_t thread;
    atomic_bool stop;
    uint8_t *at;
    size_t size;
    uint64_t values[2];
};
void hostile_flip(struct hostile_flipper *flipper, void *at, size_t size, uint64_t first, uint64_t second);
void hostile_stop(struct hostile_flipper *flipper);

#endif
