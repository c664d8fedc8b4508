/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 by libcrypto's low-level functions: no provider, no allocation, so that the guest's
 * static agent carries one hash and not all of libcrypto.
 */
#define OPENSSL_API_COMPAT 0x10100000L
#include "digest/sha256.h"

#include "base/io.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SHA256_READ_SIZE ((size_t)256 * 1024)

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "struct sha256 holds libcrypto's state");

void sha256_start(struct sha256 *hash)
{
    (void)SHA256_Init((SHA256_CTX *)hash);
}

void sha256_update(struct sha256 *hash, const void *data, size_t size)
{
    (void)SHA256_Update((SHA256_CTX *)hash, data, size);
}

void sha256_finish(struct sha256 *hash, uint8_t ret_digest[SHA256_SIZE])
{
    (void)SHA256_Final(ret_digest, (SHA256_CTX *)hash);
}

void sha256_of(const void *data, size_t size, uint8_t ret_digest[SHA256_SIZE])
{
    struct sha256 hash;

    sha256_start(&hash);
    sha256_update(&hash, data, size);
    sha256_finish(&hash, ret_digest);
}

int sha256_of_fd(int fd, uint8_t ret_digest[SHA256_SIZE], uint64_t *ret_size)
{
    return sha256_of_fd_up_to(fd, UINT64_MAX, ret_digest, ret_size);
}

int sha256_of_fd_up_to(int fd, uint64_t max, uint8_t ret_digest[SHA256_SIZE], uint64_t *ret_size)
{
    CLEANUP_FREE uint8_t *block = malloc(SHA256_READ_SIZE);
    struct sha256 hash;
    struct stat status;
    uint64_t size = 0;

    if (fstat(fd, &status) == 0 && status.st_size > 0 && (uint64_t)status.st_size > max)
        return -EFBIG;
    if (block == NULL)
        return -ENOMEM;
    sha256_start(&hash);
    for (;;) {
        ssize_t count = io_pread_full(fd, block, SHA256_READ_SIZE, size);

        if (count < 0)
            return (int)count;
        if (count == 0)
            break;
        if ((uint64_t)count > max - size) /* it grows under our eyes */
            return -EFBIG;
        sha256_update(&hash, block, (size_t)count);
        size += (uint64_t)count;
    }
    sha256_finish(&hash, ret_digest);
    *ret_size = size;
    return 0;
}

void sha256_to_hex(const uint8_t digest[SHA256_SIZE], char ret_hex[SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_SIZE; i++) {
        ret_hex[2 * i] = digits[digest[i] >> 4];
        ret_hex[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_hex[2 * SHA256_SIZE] = '\0';
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

int sha256_from_hex(const char *hex, uint8_t ret_digest[SHA256_SIZE])
{
    uint8_t digest[SHA256_SIZE];

    if (strlen(hex) != 2 * (size_t)SHA256_SIZE)
        return -EINVAL;
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return -EINVAL;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(ret_digest, digest, sizeof digest);
    return 0;
}
