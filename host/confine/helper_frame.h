/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said between a helper and the process that forked it: helper.h has the form. Either side may have been taken
 * over, and the other believes no length and no number of it.
 */
#ifndef LAZARET_HOST_CONFINE_HELPER_FRAME_H
#define LAZARET_HOST_CONFINE_HELPER_FRAME_H

#include "base/buffer.h"
#include "base/error.h"

/* The helper's side. -EMSGSIZE where the request is larger than `size_max`; -ECONNRESET at the end. No deadline. */
MUST_USE int helper_frame_read_request(int socket, uint8_t *ret_request, size_t size_max, size_t *ret_size);

/* Sends the error where it has a kind, else the data. */
MUST_USE int helper_frame_send_reply(int socket, const struct error *reply, const struct buffer *data);

MUST_USE int helper_frame_send_request(int socket, const void *request, size_t size, uint64_t deadline_ns);

/*
 * Appends the reply to *ret_data, as far as its limit goes. The helper's error is the caller's, with a kind and a
 * negative errno that exist, and its text; ERROR_INTERNAL where the reply can't be. `name` begins the texts.
 */
MUST_USE int helper_frame_read_reply(int socket, const char *name, struct buffer *ret_data, uint64_t deadline_ns,
                                     struct error *err);

/* ERROR_INTERNAL: the helper does not answer, for the reason `code`. */
MUST_USE int helper_frame_lost(const char *name, int code, struct error *err);

#endif
