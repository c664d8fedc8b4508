/* SPDX-License-Identifier: Apache-2.0 */
/* What the test guest's service does on its port: one order a connection, answered by a byte 0 first. */
#ifndef LAZARET_TESTS_VM_VSOCK_SERVICE_H
#define LAZARET_TESTS_VM_VSOCK_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#define SERVICE_PORT 7000u

enum service_order {
    SERVICE_ECHO = 1,    /* sends back what comes until the end of the stream */
    SERVICE_SOURCE = 2,  /* sends `count` bytes of the pattern, then ends */
    SERVICE_SINK = 3,    /* takes `count` bytes of the pattern; answers u64: bytes that were right */
    SERVICE_CALL = 4,    /* connects to the host's port `count`; answers u64: its errno */
    SERVICE_SLOW = 5,    /* as SINK after a sleep of a second */
    SERVICE_POWEROFF = 6 /* ends the machine */
};

struct service_request {
    uint64_t order;
    uint64_t count;
    uint64_t buffer_size; /* SO_VM_SOCKETS_BUFFER_SIZE to set, or 0 */
};

/*
 * The pattern: pseudo-random bytes with a prime period, laid out so that any piece of at most
 * SERVICE_CHUNK bytes is one run of memory. A shifted, lost or doubled byte shows.
 */
#define SERVICE_CHUNK  ((size_t)256 * 1024)
#define SERVICE_PERIOD ((size_t)65521)

static uint8_t service_bytes[SERVICE_PERIOD + SERVICE_CHUNK];

static inline void service_init(void)
{
    uint32_t state = 1;

    for (size_t i = 0; i < sizeof service_bytes; i++) {
        if (i % SERVICE_PERIOD == 0)
            state = 1;
        state = state * 1664525u + 1013904223u;
        service_bytes[i] = (uint8_t)(state >> 24);
    }
}

/* The pattern's bytes from an offset on. */
static inline const uint8_t *service_pattern(uint64_t offset)
{
    return service_bytes + offset % SERVICE_PERIOD;
}

#endif
