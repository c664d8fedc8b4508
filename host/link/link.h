/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vsock connection to the guest, over either transport behind one interface.
 *
 *   vhost-user   our own device in user space: a stream is asked for on its control socket
 *   vhost-vsock  the kernel's device: AF_VSOCK to the guest's CID
 *
 * The host connects, the guest listens. A guest that boots isn't there yet, or has no listener yet:
 * a connect is tried again until its deadline. The descriptor it yields is a non-blocking,
 * close-on-exec stream socket, the caller's to close; ends and half-closing are those of any stream
 * socket.
 */
#ifndef LAZARET_HOST_LINK_LINK_H
#define LAZARET_HOST_LINK_LINK_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define LINK_RETRY_MS      UINT64_C(10)           /* between two tries, at least */
#define LINK_RETRY_SHARE   32u                    /* of the time that the guest has taken so far, */
#define LINK_RETRY_MAX_MS  UINT64_C(100)          /* and at most */
#define LINK_ATTEMPT_MS    UINT64_C(2000)         /* one try of the kernel's transport */
#define LINK_SOCKET_BUFFER (1024 * 1024)          /* bytes; doubles the rate over the default */
#define LINK_CID_TRIES     50u                    /* random CIDs tried by link_reserve_cid */
#define LINK_CID_MIN       UINT32_C(3)            /* 0 to 2 have meanings of their own */
#define LINK_CID_MAX       (UINT32_C(0x7fffffff)) /* leaves U32_MAX, VMADDR_CID_ANY, far away */

struct link;

/* A link through the vsock device whose control socket this is; the descriptor stays the caller's,
   nobody else may use it meanwhile, and one thread at a time may connect. */
MUST_USE int link_open_vhost_user(int control_fd, struct link **ret_link, struct error *err);

/* A link through the kernel to the guest with this CID. */
MUST_USE int link_open_vhost_vsock(uint32_t cid, struct link **ret_link, struct error *err);

/*
 * Opens a stream to the guest's port. ERROR_GUEST with -ETIMEDOUT when the guest took none until
 * the deadline (CLOCK_MONOTONIC, base/io.h), with -EPROTO when it answered with nonsense;
 * ERROR_INTERNAL when the device is gone (-ECONNRESET) or the system failed.
 */
MUST_USE int link_connect(struct link *link, uint32_t port, uint64_t deadline_ns, int *ret_fd, struct error *err);

/* "vhost-user" or "vhost-vsock", as execution.json names it. */
const char *link_transport(const struct link *link);

/* NULL is fine. */
void link_free(struct link *link);

/* The three steps at once: open, connect, free. */
MUST_USE int link_connect_vhost_user(int control_fd, uint32_t port, uint64_t deadline_ns, int *ret_fd,
                                     struct error *err);
MUST_USE int link_connect_vhost_vsock(uint32_t cid, uint32_t port, uint64_t deadline_ns, int *ret_fd,
                                      struct error *err);

/*
 * Which rule of virtio-vsock the guest broke, where the device has reset a stream for it; NULL where it has not. What
 * the device has said meanwhile is taken off its control socket. The kernel's transport does not tell.
 */
const char *link_vhost_user_fault(int control_fd);

/* Whether this machine has the kernel's device and this process may use it. Nothing is changed. */
MUST_USE bool link_vhost_vsock_available(void);

/*
 * Reserves a CID that no other guest of this machine has: it is held as long as *ret_vhost_fd (of
 * /dev/vhost-vsock, close-on-exec) is open somewhere, so that QEMU gets both by
 * vhost-vsock-pci,guest-cid=CID,vhostfd=FD. ERROR_UNAVAILABLE without the device or a free CID.
 */
MUST_USE int link_reserve_cid(int *ret_vhost_fd, uint32_t *ret_cid, struct error *err);

#endif
