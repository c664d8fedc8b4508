/* SPDX-License-Identifier: Apache-2.0 */
/* The vsock connection to the guest: what both transports have in common. */
#include "host/link/link.h"

#include "base/io.h"
#include "host/link/transport.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static int open_link(const struct link_transport *transport, int control_fd, uint32_t cid, struct link **ret_link,
                     struct error *err)
{
    struct link *link = malloc(sizeof *link);

    if (link == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a link");
    /* Identifiers start where the clock stands: an answer to a predecessor's request, which gave
       up at its deadline, isn't taken for one of ours. */
    *link =
        (struct link){.transport = transport, .control_fd = control_fd, .next_id = (uint32_t)io_now_ns(), .cid = cid};
    *ret_link = link;
    return 0;
}

int link_open_vhost_user(int control_fd, struct link **ret_link, struct error *err)
{
    return open_link(&link_transport_vhost_user, control_fd, 0, ret_link, err);
}

int link_open_vhost_vsock(uint32_t cid, struct link **ret_link, struct error *err)
{
    if (cid < LINK_CID_MIN || cid > LINK_CID_MAX)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "%u is no guest's CID", cid);
    return open_link(&link_transport_vhost_vsock, -1, cid, ret_link, err);
}

const char *link_transport(const struct link *link)
{
    return link->transport->name;
}

void link_free(struct link *link)
{
    free(link);
}

static void sleep_until(uint64_t time_ns)
{
    const struct timespec until = {.tv_sec = (time_t)(time_ns / IO_NS_PER_S), .tv_nsec = (long)(time_ns % IO_NS_PER_S)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* A guest that takes its time is asked less often: each try costs us and the device, and a long boot is no longer for
 * a pause that is a small share of it. */
static uint64_t next_try(uint64_t start_ns)
{
    uint64_t pause_ms = (io_now_ns() - start_ns) / IO_NS_PER_MS / LINK_RETRY_SHARE;

    if (pause_ms < LINK_RETRY_MS)
        pause_ms = LINK_RETRY_MS;
    return io_deadline_ms(pause_ms < LINK_RETRY_MAX_MS ? pause_ms : LINK_RETRY_MAX_MS);
}

int link_connect(struct link *link, uint32_t port, uint64_t deadline_ns, int *ret_fd, struct error *err)
{
    const uint64_t start_ns = io_now_ns();

    for (;;) {
        int reason = ETIMEDOUT;
        int r = link->transport->attempt(link, port, deadline_ns, ret_fd, &reason, err);
        uint64_t next_ns = next_try(start_ns);

        if (r != -EAGAIN)
            return r;
        if (next_ns >= deadline_ns)
            return error_set(err, ERROR_GUEST, -ETIMEDOUT,
                             "the guest accepted no %s stream on port %u in time (last try: %s)", link->transport->name,
                             port, strerror(reason));
        sleep_until(next_ns);
    }
}

static void free_link(struct link **link)
{
    link_free(*link);
}

int link_connect_vhost_user(int control_fd, uint32_t port, uint64_t deadline_ns, int *ret_fd, struct error *err)
{
    CLEANUP(free_link) struct link *link = NULL;
    int r = link_open_vhost_user(control_fd, &link, err);

    return r < 0 ? r : link_connect(link, port, deadline_ns, ret_fd, err);
}

int link_connect_vhost_vsock(uint32_t cid, uint32_t port, uint64_t deadline_ns, int *ret_fd, struct error *err)
{
    CLEANUP(free_link) struct link *link = NULL;
    int r = link_open_vhost_vsock(cid, &link, err);

    return r < 0 ? r : link_connect(link, port, deadline_ns, ret_fd, err);
}
