/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's side of the signer. */
#include "host/signer/signer.h"

#include "base/buffer.h"
#include "host/attest/statement.h"
#include "host/json/reader.h"
#include "host/signer/internal.h"

#include <errno.h>
#include <string.h>

struct signer {
    struct helper *helper;
    struct crypto_public_key *public;
};

int signer_start_for(signer_accept *accept, const char *key_name, const struct crypto_passphrase *passphrase,
                     struct signer **ret_signer, struct error *err)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(CRYPTO_PEM_MAX);
    CLEANUP_SIGNER struct signer *signer = calloc(1, sizeof *signer);
    struct signer_state state = {.accept = accept, .key_name = key_name, .passphrase = passphrase};
    int r;

    if (signer == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the signer");
    crypto_prepare(); /* this process and the signer both read a key next */
    r = helper_start(&signer_service, &state, &signer->helper, &pem, err);
    if (r == 0)
        r = crypto_public_key_parse(pem.data, pem.size, "the signer's key", &signer->public, err);
    if (r == 0)
        *ret_signer = TAKE_POINTER(signer);
    return r;
}

static int accept_result(const void *bytes, size_t size, struct error *err)
{
    CLEANUP_JSON json_t *statement = NULL;

    return statement_check(bytes, size, &statement, err);
}

int signer_start_with(const char *key_name, const struct crypto_passphrase *passphrase, struct signer **ret_signer,
                      struct error *err)
{
    return signer_start_for(accept_result, key_name, passphrase, ret_signer, err);
}

int signer_start(const char *key_path, struct signer **ret_signer, struct error *err)
{
    return signer_start_with(key_path, NULL, ret_signer, err);
}

const struct crypto_public_key *signer_public_key(const struct signer *signer)
{
    return signer->public;
}

int signer_sign(struct signer *signer, const void *statement, size_t size, uint8_t ret_signature[CRYPTO_SIGNATURE_MAX],
                size_t *ret_size, uint64_t deadline_ns, struct error *err)
{
    CLEANUP_BUFFER struct buffer signature = buffer_with_limit(CRYPTO_SIGNATURE_MAX);
    int r = helper_call(signer->helper, statement, size, &signature, deadline_ns, err);

    if (r < 0)
        return r;
    if (signature.size == 0)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "the signer's signature is empty");
    memcpy(ret_signature, signature.data, signature.size);
    *ret_size = signature.size;
    return 0;
}

void signer_free(struct signer *signer)
{
    if (signer == NULL)
        return;
    helper_free(signer->helper);
    crypto_public_key_free(signer->public);
    free(signer);
}
