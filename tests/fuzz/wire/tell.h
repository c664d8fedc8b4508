/* SPDX-License-Identifier: Apache-2.0 */
/* One stream of messages, of both sides, told to both sides' sessions: what a session does itself, and what it
 * receives. */
#ifndef LAZARET_TESTS_FUZZ_WIRE_TELL_H
#define LAZARET_TESTS_FUZZ_WIRE_TELL_H

#include "wire/session.h"

/* An evaluation's session once a plan has come, a scan of files before. */
static inline int tell_host(struct session_host *session, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_CHECK:
        return session_host_begin_check(session, message->check.index);
    case MESSAGE_SCAN:
        return session_host_begin_scan(session, message->scan.index, message->scan.size);
    case MESSAGE_IMPORT:
        return session_host_import(session);
    case MESSAGE_BYE:
        return session_host_part(session);
    default:
        return session_host_receive(session, message, NULL);
    }
}

/* The guest's side hears the same stream; what it would send itself changes its state too. */
static inline int tell_guest(struct session_guest *session, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_READY:
        return session_guest_imported(session);
    case MESSAGE_CHECK_DONE:
        return session_guest_check_done(session);
    case MESSAGE_READ:
        return session_guest_read(session, &message->read);
    case MESSAGE_SCAN_DONE:
        return session_guest_scan_done(session);
    default:
        return session_guest_receive(session, message, NULL);
    }
}

#endif
