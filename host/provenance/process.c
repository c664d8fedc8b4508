/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The confined process that reads model signatures. Theory of operation: let OpenSSL and the C library fetch what they
 * fetch from files, confine, then answer until the socket ends. It holds no key; all it has are the request's bytes and
 * a socket. What it refuses of the signature is ERROR_MISMATCH; what is wrong with the user's own keys,
 * ERROR_BAD_INPUT.
 */
#include "host/provenance/protocol.h"

#include "base/cursor.h"
#include "base/io.h"
#include "host/attest/text.h"
#include "host/confine/confine.h"
#include "host/crypto/ssh.h"
#include "host/provenance/checksums.h"
#include "host/provenance/match.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ADDRESS_SPACE_MAX (UINT64_C(1) << 30)

struct protocol_state {
    struct model_manifest *manifest; /* NULL: nothing is opened */
    uint8_t *names;                  /* the request that `files` points into */
    struct match_file *files;        /* NULL: no names yet */
    uint32_t file_count;
};

static int refuse_request(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, -EPROTO, "a request to the reader of signatures is malformed");
}

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read the signature");
}

static int read_string(struct cursor *cursor, size_t size_max, const uint8_t **ret_bytes, uint32_t *ret_size)
{
    uint32_t size = 0;
    int r = cursor_read_u32le(cursor, &size);

    if (r == 0 && size > size_max)
        r = -EMSGSIZE;
    if (r == 0)
        r = cursor_read_bytes(cursor, size, ret_bytes);
    if (r == 0)
        *ret_size = size;
    return r;
}

/* --- OPEN ---------------------------------------------------------------------------------------------- */

struct trusted {
    struct crypto_public_key *keys[SIGNATURE_KEYS_MAX];
    uint32_t key_count;
    char identities[CRYPTO_IDENTITIES_MAX][CRYPTO_IDENTITY_SIZE];
    const char *identity_pointers[CRYPTO_IDENTITIES_MAX];
    struct signature_trust trust;
};

static void trusted_free(struct trusted **trusted)
{
    for (uint32_t i = 0; *trusted != NULL && i < (*trusted)->key_count; i++)
        crypto_public_key_free((*trusted)->keys[i]);
    free(*trusted);
}

static int read_key(struct cursor *cursor, struct trusted *trusted, struct error *err)
{
    const uint8_t *bytes, *pem;
    uint32_t name_size = 0, pem_size = 0;
    char name[256];
    int r;

    if (read_string(cursor, sizeof name - 1, &bytes, &name_size) < 0 ||
        read_string(cursor, CRYPTO_PEM_MAX, &pem, &pem_size) < 0)
        return refuse_request(err);
    memcpy(name, bytes, name_size);
    name[name_size] = '\0';
    r = crypto_text_is_ssh_key(pem, pem_size)
            ? crypto_public_key_parse_ssh(pem, pem_size, name, &trusted->keys[trusted->key_count], err)
            : crypto_public_key_parse_any(pem, pem_size, name, &trusted->keys[trusted->key_count], err);
    if (r < 0)
        return r;
    trusted->key_count++;
    if (crypto_public_key_kind(trusted->keys[trusted->key_count - 1]) > CRYPTO_KEY_P521)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: models are signed with ECDSA keys on P-256, P-384 or P-521, and this is another kind",
                         name);
    return 0;
}

static int read_keys(struct cursor *cursor, struct trusted *trusted, struct error *err)
{
    uint32_t count = 0;
    int r = 0;

    if (cursor_read_u32le(cursor, &count) < 0 || count > SIGNATURE_KEYS_MAX)
        return refuse_request(err);
    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = read_key(cursor, trusted, err);
    trusted->trust.keys = (const struct crypto_public_key *const *)trusted->keys;
    trusted->trust.key_count = trusted->key_count;
    return r;
}

static int read_anchors(struct cursor *cursor, struct trusted *trusted, struct error *err)
{
    const uint8_t *pem, *bytes;
    uint32_t pem_size = 0, count = 0, size = 0;
    int r;

    if (read_string(cursor, CRYPTO_AUTHORITIES_SIZE, &pem, &pem_size) < 0 || cursor_read_u32le(cursor, &count) < 0 ||
        count > CRYPTO_IDENTITIES_MAX)
        return refuse_request(err);
    for (uint32_t i = 0; i < count; i++) {
        if (read_string(cursor, CRYPTO_IDENTITY_SIZE - 1, &bytes, &size) < 0)
            return refuse_request(err);
        memcpy(trusted->identities[i], bytes, size);
        trusted->identity_pointers[i] = trusted->identities[i];
    }
    trusted->trust.anchors = (struct crypto_anchors){.authorities = pem,
                                                     .authorities_size = pem_size,
                                                     .identities = trusted->identity_pointers,
                                                     .identity_count = count};
    r = pem_size > 0 ? crypto_authorities_check(pem, pem_size, "the trusted authorities", err) : 0;
    return r;
}

static uint32_t find_identity(const struct trusted *trusted, const char *identity)
{
    for (uint32_t i = 0; i < trusted->trust.anchors.identity_count; i++)
        if (strcmp(trusted->identities[i], identity) == 0)
            return i;
    return UINT32_MAX;
}

static int write_opened(const struct model_manifest *manifest, const struct signature *signature,
                        const struct signature_signer *signer, const struct trusted *trusted, struct buffer *answer)
{
    const uint8_t *const digests[] = {signer->key_sha256, signer->certificate_sha256, signer->authority_sha256,
                                      manifest->sha256};
    int r = buffer_append_u8(answer, (uint8_t)signature->method);

    if (r == 0)
        r = buffer_append_u8(answer, manifest->legacy);
    if (r == 0)
        r = buffer_append_u8(answer, manifest->single);
    if (r == 0)
        r = buffer_append_u8(answer, (uint8_t)manifest->hash);
    if (r == 0)
        r = buffer_append_u64le(answer, manifest->shard_size);
    if (r == 0)
        r = buffer_append_u32le(answer, (uint32_t)signer->key_index);
    if (r == 0)
        r = buffer_append_u32le(answer, find_identity(trusted, signer->identity));
    if (r == 0)
        r = buffer_append_u32le(answer, manifest->resource_count);
    for (size_t i = 0; r == 0 && i < sizeof digests / sizeof digests[0]; i++)
        r = buffer_append(answer, digests[i], SHA256_SIZE);
    return r;
}

static int open_signature(struct protocol_state *state, const uint8_t *file, size_t size, const struct trusted *trusted,
                          struct buffer *answer, struct error *err)
{
    CLEANUP_SIGNATURE struct signature signature = {0};
    struct signature_signer signer = {0};
    int r = signature_parse(file, size, &signature, err);

    if (r == 0)
        r = signature_verify(&signature, &trusted->trust, &signer, err);
    if (r == 0)
        r = model_manifest_parse(signature.payload.data, signature.payload.size, &state->manifest, err);
    if (r < 0) {
        if (err != NULL && err->kind == ERROR_BAD_INPUT)
            err->kind = ERROR_MISMATCH;
        return r;
    }
    return write_opened(state->manifest, &signature, &signer, trusted, answer) < 0 ? no_memory(err) : 0;
}

static int answer_open(struct protocol_state *state, struct cursor *cursor, struct buffer *answer, struct error *err)
{
    CLEANUP(trusted_free) struct trusted *trusted = calloc(1, sizeof *trusted);
    const uint8_t *file;
    size_t size;
    uint64_t now = 0;
    int r;

    if (trusted == NULL)
        return no_memory(err);
    if (state->manifest != NULL || cursor_read_u64le(cursor, &now) < 0)
        return refuse_request(err);
    trusted->trust.now = (int64_t)now;
    r = read_keys(cursor, trusted, err);
    if (r == 0)
        r = read_anchors(cursor, trusted, err);
    if (r < 0)
        return r;
    size = cursor_left(cursor);
    return cursor_read_bytes(cursor, size, &file) < 0 ? refuse_request(err)
                                                      : open_signature(state, file, size, trusted, answer, err);
}

/* --- NAMES and DIGESTS ------------------------------------------------------------------------------------- */

static int read_file(struct cursor *cursor, struct match_file *file)
{
    const uint8_t *path;
    uint32_t size = 0;
    uint8_t kind = 0;
    int r = cursor_read_u8(cursor, &kind);

    if (r == 0 && kind >= MATCH_KIND_COUNT)
        r = -EPROTO;
    file->kind = (enum match_kind)kind;
    if (r == 0)
        r = cursor_read_u64le(cursor, &file->size);
    if (r == 0)
        r = read_string(cursor, 4095, &path, &size);
    if (r < 0)
        return r;
    file->path = (const char *)path;
    file->path_size = size;
    return 0;
}

static int answer_names(struct protocol_state *state, const void *request, size_t size, struct buffer *answer,
                        struct error *err)
{
    struct cursor cursor;
    uint32_t model = 0, count = 0;
    int r = 0;

    if (state->manifest == NULL || state->files != NULL)
        return refuse_request(err);
    state->names = malloc(size + 1);
    if (state->names == NULL)
        return no_memory(err);
    memcpy(state->names, request, size);
    cursor = cursor_over(state->names, size);
    if (cursor_read_u32le(&cursor, &model) < 0 || cursor_read_u32le(&cursor, &count) < 0 || count > PROTOCOL_FILES_MAX)
        return refuse_request(err);
    state->files = calloc((size_t)count + 1, sizeof *state->files);
    if (state->files == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < count; i++)
        if (read_file(&cursor, &state->files[i]) < 0)
            return refuse_request(err);
    state->file_count = count;
    r = match_names(state->manifest, state->files, count, model, err);
    for (uint32_t i = 0; r == 0 && i < count; i++)
        if (buffer_append_u8(answer, state->files[i].first != MATCH_UNNAMED) < 0)
            r = no_memory(err);
    return r;
}

static int answer_digests(const struct protocol_state *state, struct cursor *cursor, struct error *err)
{
    size_t digest_size;
    int r = 0;

    if (state->manifest == NULL || state->files == NULL)
        return refuse_request(err);
    digest_size = crypto_content_hash_size(state->manifest->hash);
    for (uint32_t i = 0; r == 0 && i < state->file_count; i++) {
        const struct match_file *file = &state->files[i];
        uint64_t parts = model_manifest_count_parts(state->manifest->shard_size, file->size);
        const uint8_t *digests;

        if (file->first == MATCH_UNNAMED)
            continue;
        if (parts > MODEL_MANIFEST_RESOURCES_MAX || cursor_read_bytes(cursor, parts * digest_size, &digests) < 0)
            return refuse_request(err);
        r = match_digests(state->manifest, file, digests, parts * digest_size, err);
    }
    return r == 0 && cursor_left(cursor) > 0 ? refuse_request(err) : r;
}

/* --- CHECKSUMS ----------------------------------------------------------------------------------------------- */

static int answer_checksums(struct cursor *cursor, struct error *err)
{
    const uint8_t *sha256, *name, *list;
    char text[CHECKSUMS_NAME_MAX + 1];
    uint32_t name_size = 0;
    size_t size;

    if (cursor_read_bytes(cursor, SHA256_SIZE, &sha256) < 0 ||
        read_string(cursor, CHECKSUMS_NAME_MAX, &name, &name_size) < 0)
        return refuse_request(err);
    memcpy(text, name, name_size);
    text[name_size] = '\0';
    size = cursor_left(cursor);
    if (size > CHECKSUMS_SIZE_MAX || cursor_read_bytes(cursor, size, &list) < 0)
        return refuse_request(err);
    return checksums_check(list, size, text, sha256, err);
}

/* --- the process ----------------------------------------------------------------------------------------------- */

int protocol_state_new(struct protocol_state **ret_state)
{
    *ret_state = calloc(1, sizeof **ret_state);
    return *ret_state != NULL ? 0 : -ENOMEM;
}

void protocol_state_free(struct protocol_state *state)
{
    if (state == NULL)
        return;
    model_manifest_free(state->manifest);
    free(state->names);
    free(state->files);
    free(state);
}

int protocol_answer(struct protocol_state *state, uint32_t operation, const void *request, size_t size,
                    struct buffer *ret_answer, struct error *err)
{
    struct cursor cursor = cursor_over(request, size);

    switch (operation) {
    case PROTOCOL_OPEN:
        return answer_open(state, &cursor, ret_answer, err);
    case PROTOCOL_NAMES:
        return answer_names(state, request, size, ret_answer, err);
    case PROTOCOL_DIGESTS:
        return answer_digests(state, &cursor, err);
    case PROTOCOL_CHECKSUMS:
        return answer_checksums(&cursor, err);
    default:
        return refuse_request(err);
    }
}

static int send_reply(int socket, const struct error *err, const struct buffer *answer)
{
    CLEANUP_BUFFER struct buffer reply = buffer_with_limit(PROTOCOL_REPLY_HEADER + PROTOCOL_REPLY_MAX);
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(PROTOCOL_TEXT_MAX);
    const struct buffer *body = answer;
    int r = 0;

    if (err->kind != ERROR_NONE) {
        body = &text;
        r = text_escape(err->text, PROTOCOL_TEXT_MAX, &text);
    }
    if (r == 0)
        r = buffer_append_u32le(&reply, (uint32_t)err->kind);
    if (r == 0)
        r = buffer_append_u32le(&reply, (uint32_t)-err->code);
    if (r == 0)
        r = buffer_append_u32le(&reply, (uint32_t)body->size);
    if (r == 0)
        r = buffer_append(&reply, body->data, body->size);
    return r == 0 ? io_write_full(socket, reply.data, reply.size, IO_NO_DEADLINE) : r;
}

static int serve_one(int socket, struct protocol_state *state)
{
    CLEANUP_BUFFER struct buffer answer = buffer_with_limit(PROTOCOL_REPLY_MAX);
    CLEANUP_BUFFER struct buffer request = buffer_with_limit(PROTOCOL_REQUEST_MAX);
    uint8_t header[8], *room;
    struct cursor cursor = cursor_over(header, sizeof header);
    uint32_t operation = 0, size = 0;
    struct error err = {0};
    int r = io_read_full(socket, header, sizeof header, IO_NO_DEADLINE);

    if (r == 0)
        r = cursor_read_u32le(&cursor, &operation);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &size);
    if (r == 0)
        r = buffer_reserve(&request, size, &room);
    if (r == 0)
        r = io_read_full(socket, room, size, IO_NO_DEADLINE);
    if (r < 0)
        return r;
    if (protocol_answer(state, operation, room, size, &answer, &err) == 0)
        err.kind = ERROR_NONE, err.code = 0;
    return send_reply(socket, &err, &answer);
}

/* What would need files later: OpenSSL's configuration and algorithms, the time zone, jansson's seed. */
static int fetch_all(struct error *err)
{
    CLEANUP_CRYPTO_CONTENT struct crypto_content *content = NULL;
    uint8_t digest[CRYPTO_CONTENT_DIGEST_MAX];
    int r = crypto_content_start(CRYPTO_CONTENT_BLAKE2B, &content, err);

    tzset();
    json_object_seed(0);
    return r == 0 ? crypto_content_finish(content, digest, err) : r;
}

static int confine(int socket, struct error *err)
{
    const struct confine_profile profile = {
        .name = "lazaret-prov",
        .uid = CONFINE_UID_PROVENANCE,
        .keep_fds = &socket,
        .keep_fd_count = 1,
        .address_space_max = ADDRESS_SPACE_MAX,
        .open_files_max = 16,
    };

    return confine_self(&profile, err);
}

_Noreturn void protocol_serve(int socket)
{
    const struct buffer nothing = {0};
    struct protocol_state *state = NULL;
    struct error err = {0};
    int r = protocol_state_new(&state) < 0 ? no_memory(&err) : 0;

    if (r == 0)
        r = fetch_all(&err);
    if (r == 0)
        r = confine(socket, &err);
    if (send_reply(socket, &err, &nothing) < 0)
        _exit(1);
    while (r == 0)
        r = serve_one(socket, state);
    protocol_state_free(state);
    _exit(r == -ECONNRESET ? 0 : 1);
}
