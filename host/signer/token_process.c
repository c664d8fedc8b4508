/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process between the signer and a token: it alone loads the token's module and logs in.
 *
 * It hangs on the signer, which is the only one to hold the other end of its socket, and signs nothing but what begins
 * as the PAE of an in-toto statement; what a statement may be is the signer's to say. It dies with the signer.
 */
#include "host/signer/internal.h"

#include "host/attest/dsse.h"
#include "host/confine/token.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

static int open_token(void *argument, int socket, struct buffer *ret_pem, struct error *err)
{
    struct signer_state *state = argument;
    int r;

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    r = confine_token_begin(socket, err);
    if (r == 0)
        r = signer_load_key(state, ret_pem, err);
    return r < 0 ? r : confine_token(err);
}

static int sign_pae(void *argument, const void *pae, size_t size, struct buffer *ret_signature, struct error *err)
{
    CLEANUP_BUFFER struct buffer empty = buffer_with_limit(SIGNER_PAE_MAX);
    size_t prefix;

    /* "DSSEv1 28 application/vnd.in-toto+json " and a length: all but the last byte of the empty body's encoding, which
     * is "0 ". */
    if (dsse_encode_pae(DSSE_PAYLOAD_TYPE, "", 0, &empty) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to sign");
    prefix = empty.size - strlen("0 ");
    if (size <= prefix || memcmp(pae, empty.data, prefix) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the token signs statements only");
    return signer_sign_bytes(argument, pae, size, ret_signature, err);
}

const struct helper_service signer_token_service = {
    .name = "the token's process",
    .start_ms = SIGNER_START_MS,
    .request_max = SIGNER_PAE_MAX,
    .reply_max = CRYPTO_PEM_MAX,
    .open = open_token,
    .answer = sign_pae,
};
