/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A confined process that holds a secret and answers the process that forked it, over a stream socket.
 *
 * It begins with one reply: its greeting, or why it could not start. Then each request has one reply.
 *   request: u32le size, `size` bytes
 *   reply:   u32le kind (ERROR_NONE: done), u32le code (errno, positive), u32le size,
 *            `size` bytes: what was asked for, or the error's text
 */
#ifndef LAZARET_HOST_CONFINE_HELPER_H
#define LAZARET_HOST_CONFINE_HELPER_H

#include "base/buffer.h"
#include "base/error.h"

/* What a helper does; `state` is the caller's, as it was when it forked, but for descriptors, which are not lent. */
struct helper_service {
    const char *name;              /* "the signer"; begins messages */
    size_t request_max, reply_max; /* bytes; a larger request ends the helper */
    uint64_t start_ms;             /* how long `open` may take; 0: 10 seconds */
    /* Loads what the helper needs, confines it keeping `socket`, and appends the greeting. */
    int (*open)(void *state, int socket, struct buffer *ret_greeting, struct error *err);
    /* Answers a request; after an error the helper lives on. */
    int (*answer)(void *state, const void *request, size_t size, struct buffer *ret_reply, struct error *err);
};

struct helper;

/*
 * Forks the helper and waits for its greeting, which is appended. Call before the process has threads. `service` must
 * outlive the helper. Errors are those of service->open(), and ERROR_INTERNAL.
 */
MUST_USE int helper_start(const struct helper_service *service, void *state, struct helper **ret_helper,
                          struct buffer *ret_greeting, struct error *err);

/*
 * One request and its reply, which is appended. Errors are those of service->answer(); ERROR_INTERNAL, -ETIMEDOUT or
 * another negative errno where the helper does not answer, and it is then of no more use.
 */
MUST_USE int helper_call(struct helper *helper, const void *request, size_t size, struct buffer *ret_reply,
                         uint64_t deadline_ns, struct error *err);

/* The caller's end of the socket, for a caller that confines itself and has to keep it; borrowed. */
int helper_socket(const struct helper *helper);

/* Ends the process and waits for it; NULL is fine. */
void helper_free(struct helper *helper);

#endif
