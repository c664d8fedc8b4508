/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys in tokens, through OpenSSL's engine.
 *
 * Engines are OpenSSL 1's way, and deprecated since 3.0; but a provider for PKCS #11 is not in Debian 12, while the
 * engine is, and OpenSSL 3 keeps engines. So the warning is switched off here, and here only.
 */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include "host/crypto/pkcs11.h"

#include "host/crypto/internal.h"

#include <errno.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <string.h>

#define ENGINE_NAME "pkcs11"

static void engine_drop(ENGINE **engine)
{
    (void)ENGINE_free(*engine);
}

#define CLEANUP_ENGINE CLEANUP(engine_drop)

/* OpenSSL's reasons, the first of which is the token's. */
static int refuse(struct error *err, int code, const char *what, const char *key)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    (void)error_set(err, ERROR_BAD_INPUT, code, "%s: %s%s%s", key, what, reason != NULL ? ": " : "",
                    reason != NULL ? reason : "");
    ERR_clear_error();
    return code;
}

static int open_engine(const struct crypto_pkcs11_uri *uri, ENGINE **ret_engine, struct error *err)
{
    CLEANUP_ENGINE ENGINE *engine = NULL;

    ENGINE_load_dynamic();
    engine = ENGINE_by_id(ENGINE_NAME);
    ERR_clear_error();
    if (engine == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOENT,
                         "%s: OpenSSL's engine for PKCS #11 is not here; install libengine-pkcs11-openssl", uri->key);
    if (uri->module[0] != '\0' && ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", uri->module, 0) != 1)
        return crypto_fail(err, uri->module);
    *ret_engine = TAKE_POINTER(engine);
    return 0;
}

static int log_in(ENGINE *engine, const struct crypto_pkcs11_uri *uri, const struct crypto_passphrase *passphrase,
                  struct error *err)
{
    const struct crypto_passphrase named = {.file = uri->pin_file};
    char pin[CRYPTO_PASSPHRASE_SIZE], what[CRYPTO_PKCS11_URI_MAX + 16];
    int r;

    (void)snprintf(what, sizeof what, "PIN of %s", uri->key);
    r = crypto_passphrase_get(uri->pin_file[0] != '\0' ? &named : passphrase, what, pin, err);
    if (r < 0)
        return r;
    r = ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) == 1 ? 0 : crypto_fail(err, "handing the PIN to the engine");
    crypto_passphrase_wipe(pin);
    if (r == 0 && ENGINE_init(engine) != 1)
        r = error_set(err, ERROR_UNAVAILABLE, -ENODEV,
                      "%s: the module of PKCS #11 can't be loaded%s%s; name another with module-path=/PATH.so",
                      uri->key, uri->module[0] != '\0' ? ": " : "", uri->module);
    ERR_clear_error();
    return r;
}

int crypto_pkcs11_open(const char *name, const struct crypto_passphrase *passphrase, EVP_PKEY **ret_pkey,
                       struct error *err)
{
    CLEANUP_ENGINE ENGINE *engine = NULL;
    struct crypto_pkcs11_uri uri;
    EVP_PKEY *pkey;
    int r = crypto_pkcs11_parse(name, &uri, err);

    if (r == 0)
        r = open_engine(&uri, &engine, err);
    if (r == 0)
        r = log_in(engine, &uri, passphrase, err);
    if (r < 0)
        return r;
    pkey = ENGINE_load_private_key(engine, uri.key, (UI_METHOD *)UI_null(), NULL);
    if (pkey == NULL)
        r = refuse(err, -EKEYREJECTED, "the token does not give this private key", uri.key);
    (void)ENGINE_finish(engine); /* the key keeps what it needs */
    if (r == 0)
        *ret_pkey = pkey;
    return r;
}
