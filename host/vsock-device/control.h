/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the monitor asks the vsock device for a stream to the guest.
 *
 * Both ends are ours, on one machine: a SOCK_SEQPACKET socket, one message a packet, integers in
 * the machine's order. A request carries by SCM_RIGHTS, exactly once, one end of a
 * socketpair(AF_UNIX, SOCK_STREAM), of which the sender then closes its copy. The device opens a
 * stream from CID 2 to the guest's port and answers with the request's id. After result 0, bytes
 * flow between the socket pair and the stream until either side ends it; half-closing works as on
 * any stream socket. After another result the device has closed its end. Answers may come in
 * another order than the requests. Results:
 *
 *   0              the guest accepted
 *   -ENOTCONN      the guest's driver was not ready for CONNECTION_CONNECT_TIMEOUT_MS, or is gone: try again
 *   -ECONNREFUSED  the guest answered RST, nobody listens yet: try again
 *   -ETIMEDOUT     the guest didn't answer for CONNECTION_CONNECT_TIMEOUT_MS: try again
 *   -EMFILE        TRANSPORT_CONNECTIONS_MAX streams are open
 *   -ECANCELED     the asking side closed its end of the pair
 *   -EPROTO        the guest answered with nonsense
 *   -ENOMEM and others of epoll_ctl(2)
 *
 * A stream that the guest breaks after that is reset, and a second answer with the same id says why:
 *
 *   -ENOBUFS       the guest sent more than it had credit for
 *   -ESHUTDOWN     the guest sent data after its own end
 *   -EISCONN       the guest asked for a stream that is open, which only the host may
 *
 * The device ends when the socket's other end is closed.
 */
#ifndef LAZARET_HOST_VSOCK_DEVICE_CONTROL_H
#define LAZARET_HOST_VSOCK_DEVICE_CONTROL_H

#include <stdint.h>

struct vsock_control_request {
    uint32_t id; /* chosen by the sender, comes back in the answer */
    uint32_t port;
};

struct vsock_control_answer {
    uint32_t id;
    int32_t result;
};

#endif
