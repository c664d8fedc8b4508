/* SPDX-License-Identifier: Apache-2.0 */
/* Getting passphrases. */
#include "host/crypto/passphrase.h"

#include "host/crypto/internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

static int take_line(const char *path, const char *content, size_t size, char ret_text[CRYPTO_PASSPHRASE_SIZE],
                     struct error *err)
{
    const char *end = memchr(content, '\n', size);
    size_t length = end != NULL ? (size_t)(end - content) : size;

    if (length == 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: no passphrase: its first line is empty", path);
    if (length >= CRYPTO_PASSPHRASE_SIZE || memchr(content, '\0', length) != NULL)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: no passphrase: a first line of at most %u bytes, without NUL, expected", path,
                         CRYPTO_PASSPHRASE_SIZE - 1);
    /* It would be a part of the passphrase that nobody can type. */
    if (content[length - 1] == '\r')
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: its first line ends in a carriage return; convert it: sed -i 's/\\r$//' %s", path, path);
    memcpy(ret_text, content, length);
    ret_text[length] = '\0';
    return 0;
}

static int read_line(const char *path, char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err)
{
    char content[CRYPTO_PEM_MAX];
    size_t size = 0;
    int r = crypto_file_read(path, "a passphrase", content, &size, err);

    if (r == 0)
        r = take_line(path, content, size, ret_text, err);
    OPENSSL_cleanse(content, sizeof content);
    return r;
}

int crypto_passphrase_get(const struct crypto_passphrase *source, const char *what,
                          char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err)
{
    if (source != NULL && source->file != NULL)
        return read_line(source->file, ret_text, err);
    if (source != NULL && source->ask != NULL)
        return source->ask(what, ret_text, err);
    return error_set(err, ERROR_BAD_INPUT, -ENOKEY, "the %s is needed, and can't be given here; use a key without one",
                     what);
}

void crypto_passphrase_wipe(char text[CRYPTO_PASSPHRASE_SIZE])
{
    OPENSSL_cleanse(text, CRYPTO_PASSPHRASE_SIZE);
}
