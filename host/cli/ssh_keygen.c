/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running ssh-keygen. Theory of operation: message and signature pass through sealed-off memory files, so that neither
 * side waits for the other and nothing lies on a disk; the child has the terminal and the agent's socket, and no other
 * descriptor of ours.
 */
#include "host/cli/ssh_keygen.h"

#include "base/file.h"
#include "base/io.h"
#include "base/program.h"
#include "host/crypto/ssh.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PROGRAM   "ssh-keygen"
#define HEAD_SIZE 64u

/* What OpenSSH needs of the environment: its files, the agent, the terminal, a way to ask. */
static const char *const kept[] = {"HOME",    "PATH", "SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE",
                                   "DISPLAY", "TERM", "LANG",          "USER",        NULL};

int ssh_keygen_is_key(const char *path, bool *ret_is_key, struct error *err)
{
    static const char private_key[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
    char head[HEAD_SIZE] = "";
    CLEANUP_FD int fd = -1;
    struct stat status;
    ssize_t count;
    int r = file_open_regular(path, &fd, &status, err);

    if (r < 0)
        return r;
    count = io_pread_full(fd, head, sizeof head, 0);
    if (count < 0)
        return error_set(err, ERROR_NO_INPUT, (int)count, "%s: %s", path, strerror((int)-count));
    *ret_is_key = crypto_text_is_ssh_key(head, (size_t)count) ||
                  ((size_t)count >= strlen(private_key) && memcmp(head, private_key, strlen(private_key)) == 0);
    return 0;
}

static void keep_environment(char *environment[], size_t count)
{
    size_t used = 0;

    for (size_t i = 0; kept[i] != NULL; i++) {
        const char *value = getenv(kept[i]);
        char *entry = NULL;

        if (value != NULL && used + 1 < count && asprintf(&entry, "%s=%s", kept[i], value) > 0)
            environment[used++] = entry;
    }
    environment[used] = NULL;
}

static void drop_environment(char *(*environment)[sizeof kept / sizeof kept[0]])
{
    for (char **entry = *environment; *entry != NULL; entry++)
        free(*entry);
}

static int run(const char *key_path, const char *namespace, int message_fd, int signature_fd, struct error *err)
{
    CLEANUP(drop_environment) char *environment[sizeof kept / sizeof kept[0]] = {NULL};
    const char *const arguments[] = {PROGRAM, "-Y", "sign", "-q", "-n", namespace, "-f", key_path, NULL};
    const struct program program = {.file = PROGRAM,
                                    .arguments = arguments,
                                    .environment = environment,
                                    .input = message_fd,
                                    .output = signature_fd,
                                    .alone = true};
    int status = 0, r;

    keep_environment(environment, sizeof environment / sizeof environment[0]);
    r = program_run(&program, &status);
    if (r == -ENOENT)
        return error_set(err, ERROR_UNAVAILABLE, r,
                         "there is no " PROGRAM " here; install openssh-client, or sign elsewhere: --request FILE");
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, PROGRAM ": %s", strerror(-r));
    if (status != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: " PROGRAM " did not sign with this key", key_path);
    return 0;
}

int ssh_keygen_sign(const char *key_path, const char *namespace, const struct buffer *message,
                    struct buffer *ret_signature, struct error *err)
{
    CLEANUP_FD int message_fd = memfd_create("message", MFD_CLOEXEC);
    CLEANUP_FD int signature_fd = memfd_create("signature", MFD_CLOEXEC);
    uint8_t *room;
    ssize_t count;
    int r = message_fd < 0 || signature_fd < 0 ? -errno : 0;

    if (r == 0)
        r = io_write_full(message_fd, message->data, message->size, IO_NO_DEADLINE);
    if (r == 0 && lseek(message_fd, 0, SEEK_SET) < 0)
        r = -errno;
    if (r == 0)
        r = buffer_reserve(ret_signature, CRYPTO_SSHSIG_MAX, &room);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory to sign: %s", strerror(-r));
    r = run(key_path, namespace, message_fd, signature_fd, err);
    if (r < 0)
        return r;
    count = io_pread_full(signature_fd, room, CRYPTO_SSHSIG_MAX, 0);
    if (count <= 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: " PROGRAM " gave no signature", key_path);
    ret_signature->size += (size_t)count;
    return 0;
}
