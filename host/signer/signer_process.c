/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signer's process. Theory of operation: load the key, make one signature so that OpenSSL has
 * fetched all it needs, confine, then answer requests until the socket ends. The only foreign bytes
 * it reads are statements, through statement_check().
 */
#include "host/signer/internal.h"

#include "base/cursor.h"
#include "base/io.h"
#include "host/attest/dsse.h"
#include "host/attest/statement.h"
#include "host/confine/confine.h"
#include "host/crypto/signature.h"
#include "host/json/reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ADDRESS_SPACE_MAX (UINT64_C(1) << 30)
#define PAE_SIZE_MAX      (STATEMENT_SIZE_MAX + 128)

static int send_reply(int socket, const struct error *err, const void *data, size_t size)
{
    CLEANUP_BUFFER struct buffer reply = buffer_with_limit(SIGNER_REPLY_HEADER_SIZE + SIGNER_REPLY_MAX);
    int r = buffer_append_u32le(&reply, (uint32_t)err->kind);

    if (err->kind != ERROR_NONE) {
        data = err->text;
        size = strlen(err->text);
    }
    if (r == 0)
        r = buffer_append_u32le(&reply, (uint32_t)-err->code);
    if (r == 0)
        r = buffer_append_u32le(&reply, (uint32_t)size);
    if (r == 0)
        r = buffer_append(&reply, data, size);
    return r == 0 ? io_write_full(socket, reply.data, reply.size, IO_NO_DEADLINE) : r;
}

/* The one thing this process does for others. */
static int sign_statement(const struct crypto_private_key *key, const void *statement, size_t size,
                          uint8_t ret_signature[CRYPTO_SIGNATURE_MAX], size_t *ret_size, struct error *err)
{
    CLEANUP_BUFFER struct buffer pae = buffer_with_limit(PAE_SIZE_MAX);
    CLEANUP_JSON json_t *checked = NULL;
    int r = statement_check(statement, size, &checked, err);

    if (r < 0)
        return r;
    r = dsse_encode_pae(DSSE_PAYLOAD_TYPE, statement, size, &pae);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory to sign");
    return crypto_sign(key, pae.data, pae.size, ret_signature, ret_size, err);
}

static int answer_request(int socket, const struct crypto_private_key *key, uint8_t *statement)
{
    uint8_t signature[CRYPTO_SIGNATURE_MAX], header[4] = {0};
    struct error err = {0};
    struct cursor cursor = cursor_over(header, sizeof header);
    size_t signature_size = 0;
    uint32_t size = 0;
    int r = io_read_full(socket, header, sizeof header, IO_NO_DEADLINE);

    if (r == 0)
        r = cursor_read_u32le(&cursor, &size);
    if (r < 0)
        return r;
    if (size > STATEMENT_SIZE_MAX)
        return -EMSGSIZE;
    r = io_read_full(socket, statement, size, IO_NO_DEADLINE);
    if (r < 0)
        return r;
    if (sign_statement(key, statement, size, signature, &signature_size, &err) == 0)
        err.kind = ERROR_NONE, err.code = 0;
    return send_reply(socket, &err, signature, signature_size);
}

static int load_key(const char *path, struct crypto_private_key **ret_key, struct buffer *ret_pem, struct error *err)
{
    CLEANUP_PUBLIC_KEY struct crypto_public_key *public = NULL;
    CLEANUP_PRIVATE_KEY struct crypto_private_key *key = NULL;
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t size;
    int r = crypto_private_key_load(path, &key, err);

    if (r == 0)
        r = crypto_private_key_get_public(key, &public, err);
    if (r == 0)
        r = crypto_public_key_write_pem(public, ret_pem, err);
    if (r == 0)
        r = crypto_sign(key, "", 0, signature, &size, err);
    if (r == 0)
        *ret_key = TAKE_POINTER(key);
    return r;
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

_Noreturn void signer_process_run(int socket, const char *key_path)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(CRYPTO_PEM_MAX);
    struct crypto_private_key *key = NULL;
    uint8_t *statement = malloc(STATEMENT_SIZE_MAX);
    struct error err = {0};
    int r = statement != NULL ? 0 : error_set(&err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the signer");

    if (r == 0)
        r = load_key(key_path, &key, &pem, &err);
    json_object_seed(0); /* jansson opens /dev/urandom for it, which confinement forbids */
    if (r == 0)
        r = confine(socket, &err);
    if (send_reply(socket, &err, pem.data, pem.size) < 0)
        _exit(1);
    while (r == 0)
        r = answer_request(socket, key, statement);
    crypto_private_key_free(key);
    _exit(r == -ECONNRESET ? 0 : 1);
}
