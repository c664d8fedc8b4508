/* SPDX-License-Identifier: Apache-2.0 */
/* What the test guest's service does on its port: one order a connection. */
#ifndef LAZARET_TESTS_VM_VSOCK_SERVICE_H
#define LAZARET_TESTS_VM_VSOCK_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#define SERVICE_PORT 7000u

enum service_order {
    SERVICE_ECHO = 1,   /* sends back what comes until the end of the stream */
    SERVICE_SOURCE = 2, /* sends `count` bytes of the pattern, then ends */
    SERVICE_SINK = 3,   /* takes `count` bytes of the pattern; answers u64: bytes that were right */
    SERVICE_CALL = 4,   /* connects to the host's port `count`; answers u64: its errno */
    SERVICE_SLOW = 5,   /* as SINK after a sleep of a second */
    SERVICE_POWEROFF = 6 /* ends the machine */
};

struct service_request {
    uint64_t order;
    uint64_t count;
    uint64_t buffer_size; /* SO_VM_SOCKETS_BUFFER_SIZE to set, or 0 */
};

/* The byte at an offset of the pattern: no period that is a power of two. */
static inline uint8_t service_pattern(uint64_t offset)
{
    return (uint8_t)(offset % 251 ^ offset / 251 * 7);
}

#endif
