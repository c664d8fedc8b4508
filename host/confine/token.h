/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wider confinement of the process between the signer and a token (PKCS #11).
 *
 * The code that talks to a token is its maker's, and needs what it needs at every signature: SoftHSM opens its files
 * again, smart cards are behind pcscd's socket, network modules reconnect. So this process keeps its identity, its
 * network and its descriptors, and gives up the rest: capabilities, programs, traces, mounts, modules and the kernel's
 * interfaces (what the monitor gives up, monitor.c), and every change of files: it opens them for reading only.
 * The key itself is not in its memory, and the signer, as confined as ever, is between it and everyone else.
 */
#ifndef LAZARET_HOST_CONFINE_TOKEN_H
#define LAZARET_HOST_CONFINE_TOKEN_H

#include "base/error.h"

/* Before the module is loaded: closes every descriptor but `socket` and standard error. */
MUST_USE int confine_token_begin(int socket, struct error *err);

/* After it has made its first signature. ERROR_INTERNAL where a step fails; none is skipped. */
MUST_USE int confine_token(struct error *err);

#endif
