/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signer's process. Theory of operation: load the key, make one signature so that OpenSSL has
 * fetched all it needs, confine, then answer requests until the socket ends. The only foreign bytes
 * it reads are statements, through the check it was started with. A key in a token needs the token's module, and so a
 * wider confinement (confine/token.h).
 */
#include "host/signer/internal.h"

#include "host/attest/dsse.h"
#include "host/attest/statement.h"
#include "host/confine/confine.h"
#include "host/confine/token.h"
#include "host/crypto/pkcs11.h"
#include "host/crypto/signature.h"
#include "host/json/reader.h"

#include <signal.h>
#include <sys/prctl.h>

#define ADDRESS_SPACE_MAX (UINT64_C(1) << 30)
#define START_MS          UINT64_C(300000) /* someone may have to look a passphrase up */
#define PAE_SIZE_MAX      (STATEMENT_SIZE_MAX + 128)

/* The one thing this process does for others. */
static int sign_statement(void *argument, const void *statement, size_t size, struct buffer *ret_signature,
                          struct error *err)
{
    const struct signer_state *state = argument;
    CLEANUP_BUFFER struct buffer pae = buffer_with_limit(PAE_SIZE_MAX);
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t signature_size;
    int r = state->accept(statement, size, err);

    if (r < 0)
        return r;
    r = dsse_encode_pae(DSSE_PAYLOAD_TYPE, statement, size, &pae);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory to sign");
    r = crypto_sign(state->key, pae.data, pae.size, signature, &signature_size, err);
    if (r < 0)
        return r;
    r = buffer_append(ret_signature, signature, signature_size);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no memory for a signature") : 0;
}

static int load_key(struct signer_state *state, struct buffer *ret_pem, struct error *err)
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

static int confine(int socket, struct error *err)
{
    const struct confine_profile profile = {
        .name = "lazaret-signer",
        .uid = CONFINE_UID_SIGNER,
        .keep_fds = &socket,
        .keep_fd_count = 1,
        .address_space_max = ADDRESS_SPACE_MAX,
        .open_files_max = 16,
    };

    return confine_self(&profile, err);
}

static int open_signer(void *argument, int socket, struct buffer *ret_pem, struct error *err)
{
    struct signer_state *state = argument;
    bool in_token = crypto_name_is_pkcs11(state->key_name);
    int r;

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* who asks for a passphrase does not go on asking for nobody */
    r = load_key(state, ret_pem, err);
    json_object_seed(0); /* jansson opens /dev/urandom for it, which confinement forbids */
    if (r < 0)
        return r;
    return in_token ? confine_token(err) : confine(socket, err);
}

const struct helper_service signer_service = {
    .name = "the signer",
    .start_ms = START_MS,
    .request_max = STATEMENT_SIZE_MAX,
    .reply_max = CRYPTO_PEM_MAX,
    .open = open_signer,
    .answer = sign_statement,
};
