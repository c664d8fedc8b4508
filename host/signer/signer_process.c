/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signer's process. Theory of operation: load the key, make one signature so that OpenSSL has
 * fetched all it needs, confine, then answer requests until the socket ends. The only foreign bytes
 * it reads are statements, through the check it was started with.
 *
 * A key in a token needs the token's module, which needs who knows what. So it is in one more process, behind this one
 * (token_process.c): that one reads no statement, and this one is confined as ever.
 */
#include "host/signer/internal.h"

#include "base/io.h"
#include "host/attest/dsse.h"
#include "host/confine/confine.h"
#include "host/crypto/pkcs11.h"
#include "host/crypto/signature.h"
#include "host/json/reader.h"

#include <signal.h>
#include <sys/prctl.h>

#define ADDRESS_SPACE_MAX (UINT64_C(1) << 30)

/* Longer than a token's process may take to start, so that its reason arrives; and one signature of it. */
#define START_MS      (SIGNER_START_MS + 5000)
#define TOKEN_SIGN_MS UINT64_C(25000)

/* The one thing this process does for others. */
static int sign_statement(void *argument, const void *statement, size_t size, struct buffer *ret_signature,
                          struct error *err)
{
    const struct signer_state *state = argument;
    CLEANUP_BUFFER struct buffer pae = buffer_with_limit(SIGNER_PAE_MAX);
    int r = state->accept(statement, size, err);

    if (r < 0)
        return r;
    r = dsse_encode_pae(DSSE_PAYLOAD_TYPE, statement, size, &pae);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory to sign");
    if (state->token != NULL)
        return helper_call(state->token, pae.data, pae.size, ret_signature, io_deadline_ms(TOKEN_SIGN_MS), err);
    return signer_sign_bytes(state, pae.data, pae.size, ret_signature, err);
}

int signer_sign_bytes(const struct signer_state *state, const void *data, size_t size, struct buffer *ret_signature,
                      struct error *err)
{
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t signature_size;
    int r = crypto_sign(state->key, data, size, signature, &signature_size, err);

    if (r < 0)
        return r;
    r = buffer_append(ret_signature, signature, signature_size);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no memory for a signature") : 0;
}

int signer_load_key(struct signer_state *state, struct buffer *ret_pem, struct error *err)
{
    CLEANUP_PUBLIC_KEY struct crypto_public_key *public = NULL;
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t size;
    int r = crypto_private_key_open(state->key_name, state->passphrase, &state->key, err);

    if (r == 0)
        r = crypto_private_key_get_public(state->key, &public, err);
    if (r == 0)
        r = crypto_public_key_write_pem(public, ret_pem, err);
    return r == 0 ? crypto_sign(state->key, "", 0, signature, &size, err) : r;
}

static int confine(const struct signer_state *state, int socket, struct error *err)
{
    const int keep_fds[] = {socket, state->token != NULL ? helper_socket(state->token) : socket};
    const struct confine_profile profile = {
        .name = "lazaret-signer",
        .uid = CONFINE_UID_SIGNER,
        .keep_fds = keep_fds,
        .keep_fd_count = sizeof keep_fds / sizeof keep_fds[0],
        .address_space_max = ADDRESS_SPACE_MAX,
        .open_files_max = 16,
    };

    return confine_self(&profile, err);
}

static int open_signer(void *argument, int socket, struct buffer *ret_pem, struct error *err)
{
    struct signer_state *state = argument;
    int r;

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* who asks for a passphrase does not go on asking for nobody */
    if (crypto_name_is_pkcs11(state->key_name))
        r = helper_start(&signer_token_service, state, &state->token, ret_pem, err);
    else
        r = signer_load_key(state, ret_pem, err);
    json_object_seed(0); /* jansson opens /dev/urandom for it, which confinement forbids */
    return r < 0 ? r : confine(state, socket, err);
}

const struct helper_service signer_service = {
    .name = "the signer",
    .start_ms = START_MS,
    .request_max = STATEMENT_SIZE_MAX,
    .reply_max = CRYPTO_PEM_MAX,
    .open = open_signer,
    .answer = sign_statement,
};
