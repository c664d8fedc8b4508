/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the monitor and the signer's process: a stream socket.
 *
 * The signer begins with one reply that carries its public key in PEM; then each request has one reply.
 *   request: u32le size, `size` bytes of statement
 *   reply:   u32le kind (ERROR_NONE: done), u32le code (errno, positive), u32le size,
 *            `size` bytes: what was asked for, or the error's text
 */
#ifndef LAZARET_HOST_SIGNER_INTERNAL_H
#define LAZARET_HOST_SIGNER_INTERNAL_H

#include "host/crypto/key.h"

#include <stdint.h>

#define SIGNER_REPLY_HEADER_SIZE 12u
#define SIGNER_REPLY_MAX         CRYPTO_PEM_MAX /* bytes after the header */

/* The signer's process: never returns. */
_Noreturn void signer_process_run(int socket, const char *key_path);

#endif
