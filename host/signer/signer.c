/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's side of the signer. */
#include "host/signer/signer.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/io.h"
#include "host/signer/internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define START_DEADLINE_MS UINT64_C(10000)

struct signer {
    pid_t pid;
    int socket;
    struct crypto_public_key *public;
};

static int lost(struct error *err, int r)
{
    return error_set(err, ERROR_INTERNAL, r, "the signer does not answer: %s", strerror(-r));
}

/* Turns an error reply into an error of the caller's. */
static int pass_error(uint32_t kind, uint32_t code, const struct buffer *text, struct error *err)
{
    int r = code > 0 && code < 4096 ? -(int)code : -EBADMSG;

    if (kind > ERROR_MISMATCH || text->size >= ERROR_TEXT_MAX)
        return lost(err, -EBADMSG);
    return error_set(err, (enum error_kind)kind, r, "%.*s", (int)text->size, (const char *)text->data);
}

static int read_reply(struct signer *signer, struct buffer *ret_data, uint64_t deadline_ns, struct error *err)
{
    uint8_t header[SIGNER_REPLY_HEADER_SIZE] = {0}, *room;
    struct cursor cursor = cursor_over(header, sizeof header);
    uint32_t kind = 0, code = 0, size = 0;
    int r = io_read_full(signer->socket, header, sizeof header, deadline_ns);

    if (r == 0)
        r = cursor_read_u32le(&cursor, &kind);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &code);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &size);
    if (r == 0)
        r = buffer_reserve(ret_data, size, &room);
    if (r == 0)
        r = io_read_full(signer->socket, room, size, deadline_ns);
    if (r < 0)
        return lost(err, r);
    ret_data->size += size;
    return kind == ERROR_NONE ? 0 : pass_error(kind, code, ret_data, err);
}

static int read_greeting(struct signer *signer, struct error *err)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(SIGNER_REPLY_MAX);
    int r = read_reply(signer, &pem, io_deadline_ms(START_DEADLINE_MS), err);

    return r < 0 ? r : crypto_public_key_parse(pem.data, pem.size, "the signer's key", &signer->public, err);
}

/* Forks; the child never returns from here. */
static int fork_process(struct signer *signer, const char *key_path, struct error *err)
{
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "no socket for the signer: %s", strerror(errno));
    signer->pid = fork();
    if (signer->pid == 0) {
        (void)close(sockets[0]);
        signer_process_run(sockets[1], key_path);
    }
    signer->socket = sockets[0];
    (void)close(sockets[1]);
    if (signer->pid < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "no process for the signer: %s", strerror(errno));
    if (io_set_nonblocking(signer->socket) < 0)
        return error_set(err, ERROR_INTERNAL, -EIO, "the signer's socket can't be made non-blocking");
    return 0;
}

int signer_start(const char *key_path, struct signer **ret_signer, struct error *err)
{
    CLEANUP_SIGNER struct signer *signer = calloc(1, sizeof *signer);
    int r;

    if (signer == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the signer");
    signer->pid = -1;
    signer->socket = -1;
    r = fork_process(signer, key_path, err);
    if (r == 0)
        r = read_greeting(signer, err);
    if (r == 0)
        *ret_signer = TAKE_POINTER(signer);
    return r;
}

const struct crypto_public_key *signer_public_key(const struct signer *signer)
{
    return signer->public;
}

static int send_request(struct signer *signer, const void *statement, size_t size, uint64_t deadline_ns)
{
    CLEANUP_BUFFER struct buffer header = buffer_with_limit(sizeof(uint32_t));
    int r = size <= UINT32_MAX ? buffer_append_u32le(&header, (uint32_t)size) : -EMSGSIZE;

    if (r == 0)
        r = io_write_full(signer->socket, header.data, header.size, deadline_ns);
    return r == 0 ? io_write_full(signer->socket, statement, size, deadline_ns) : r;
}

int signer_sign(struct signer *signer, const void *statement, size_t size, uint8_t ret_signature[CRYPTO_SIGNATURE_MAX],
                size_t *ret_size, uint64_t deadline_ns, struct error *err)
{
    CLEANUP_BUFFER struct buffer signature = buffer_with_limit(SIGNER_REPLY_MAX);
    int r = send_request(signer, statement, size, deadline_ns);

    if (r < 0)
        return lost(err, r);
    r = read_reply(signer, &signature, deadline_ns, err);
    if (r < 0)
        return r;
    if (signature.size == 0 || signature.size > CRYPTO_SIGNATURE_MAX)
        return lost(err, -EBADMSG);
    memcpy(ret_signature, signature.data, signature.size);
    *ret_size = signature.size;
    return 0;
}

void signer_free(struct signer *signer)
{
    if (signer == NULL)
        return;
    if (signer->socket >= 0)
        (void)close(signer->socket);
    /* It has nothing to finish, and must not outlive us. */
    if (signer->pid > 0) {
        (void)kill(signer->pid, SIGKILL);
        while (waitpid(signer->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    crypto_public_key_free(signer->public);
    free(signer);
}
