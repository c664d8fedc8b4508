/* SPDX-License-Identifier: Apache-2.0 */
/* What a transport of the link has to be able to do; inside host/link only. */
#ifndef LAZARET_HOST_LINK_TRANSPORT_H
#define LAZARET_HOST_LINK_TRANSPORT_H

#include "host/link/link.h"

struct link_transport {
    const char *name;
    /*
     * Tries once. 0 with a connected, non-blocking descriptor; -EAGAIN when another try may do
     * better, with the guest's answer in *ret_reason (a positive errno); other errors are final and
     * set `err`.
     */
    int (*attempt)(struct link *link, uint32_t port, uint64_t deadline_ns, int *ret_fd, int *ret_reason,
                   struct error *err);
};

struct link {
    const struct link_transport *transport;
    int control_fd;   /* vhost-user: of the caller */
    uint32_t next_id; /* vhost-user: of the next request */
    uint32_t cid;     /* vhost-vsock */
};

extern const struct link_transport link_transport_vhost_user;
extern const struct link_transport link_transport_vhost_vsock;

#endif
