/* SPDX-License-Identifier: Apache-2.0 */
/* The judge of one scan's messages, for session_host.c. PROTOCOL.md, section 6. */
#ifndef LAZARET_WIRE_SESSION_SCAN_H
#define LAZARET_WIRE_SESSION_SCAN_H

#include "wire/session.h"

/* Bytes that READs may ask for of a file of this size, all together. */
uint64_t session_scan_served_max(uint64_t size);

void session_scan_start(struct session_scan *scan, uint64_t size, uint64_t served_max);

/* NULL, or what is wrong with the message. */
const char *session_scan_receive(struct session_scan *scan, const struct message *message);

#endif
